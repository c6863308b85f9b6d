"""How the passes of a pipeline run on a module."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import VerifyException

from qjit.dialects.quantum import AllocOp
from qjit.dialects.quantum.linearity import line_of
from qjit.lowering.program_attributes import DUAL, PASSES, set_passes, texts_of

from .pipeline import OF_CIRCUITS, OwnPass, PassError, Step, find_step, no_tangents
from .presets import MEETING

DECOMPOSITION = "decompose-gates"
# Behind which gates are those of devices, if they were before.
KEEPING = (*MEETING, *OF_CIRCUITS)


def yet_to_come(module: ModuleOp) -> list[Step | OwnPass]:
    """Return the passes that a module says are yet to come."""
    return [find_step(name) for name in texts_of(module.attributes.get(PASSES))]


def run(
    context: Context, module: ModuleOp, passes: Sequence[Step | OwnPass]
) -> Iterator[Step | OwnPass]:
    """Run passes on a module, which then says what is yet to come; yield each one."""
    names = [step.text for step in passes]
    last = _last_on_gates(passes)
    for number, step in enumerate(passes):
        coming = {each.name for each in passes[number + 1 :]}
        apply_step(context, module, step, decomposed=DECOMPOSITION not in coming)
        if number == last:
            _check_all_gates(module)
        set_passes(module, names[number + 1 :])
        yield step


def apply_step(
    context: Context,
    module: ModuleOp,
    step: Step | OwnPass,
    *,
    decomposed: bool = False,
) -> None:
    """Run one pass on a module, whose gates may be those of its devices already.

    Raises:
        PassError: for a pass that would not have its effect on a derivative.
    """
    if step.level == "quantum" and not step.exact:
        _check_states(module, step)
    if isinstance(step, OwnPass):
        _run_own(context, module, step)
        if decomposed and step.level == "quantum":
            _check_gates(module, step)
    else:
        step.found().apply(context, module)


def _run_own(context: Context, module: ModuleOp, step: OwnPass) -> None:
    """Run a pass that somebody else wrote, and verify what it leaves.

    Raises:
        PassError: if it makes an operation, or leaves a module, that is not valid.
    """
    try:
        step.found().apply(context, module)
        module.verify()
    except (VerifyException, ValueError) as error:
        text = " ".join(str(error).split())
        raise PassError(
            f"{_place(step.item)}: the pass '{step.name}' leaves a program that is not "
            f"valid: {text}"
        ) from error


def _check_states(module: ModuleOp, step: Step | OwnPass) -> None:
    """Refuse circuits over dual numbers."""
    for op in module.walk():
        if isinstance(op, AllocOp) and DUAL in op.attributes:
            raise PassError(f"{line_of(op) or 'unknown line'}: {no_tangents(step)}")


def _check_gates(module: ModuleOp, step: OwnPass) -> None:
    """Refuse gates that their devices do not have."""
    from .quantum.decomposition.decompose_gates import lacking

    for _, text in lacking(module):
        raise PassError(f"{_place(step.item)}: the pass '{step.name}' leaves {text}.")


def _check_all_gates(module: ModuleOp) -> None:
    """Refuse gates that their devices do not have after all passes on gates."""
    from .quantum.decomposition.decompose_gates import lacking

    for op, text in lacking(module):
        raise PassError(
            f"{line_of(op) or 'unknown line'}: the passes of the pipeline leave "
            f"{text}. Put '{DECOMPOSITION}' behind them."
        )


def _last_on_gates(passes: Sequence[Step | OwnPass]) -> int | None:
    """Return the last step on gates, if some after their decomposition make others."""
    on_gates = [n for n, step in enumerate(passes) if step.level == "quantum"]
    made = [n for n in on_gates if passes[n].text == DECOMPOSITION]
    after = (passes[n] for n in on_gates if n > max(made, default=-1))
    if any(isinstance(step, Step) and step.name not in KEEPING for step in after):
        return on_gates[-1]
    return None


def _place(item: Any) -> str:
    """Return the line at which a pass is defined, where it is known."""
    known = getattr(item, "place", None)
    if isinstance(known, str):
        return known
    kind = item if isinstance(item, type) else type(item)
    try:
        return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]}"
    except (OSError, TypeError):
        return kind.__module__
