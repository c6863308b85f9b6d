"""What passes do to the gates of a program, which is not compiled for that."""

from collections import Counter
from collections.abc import Iterator, Sequence

from jax.extend.core import ClosedJaxpr
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from qjit.dialects.quantum import GateOp, UnitaryOp
from qjit.lowering.importer.program import import_program
from qjit.lowering.passes.pipeline import OwnPass, Step
from qjit.lowering.passes.run import run


def modules_after(
    closed: ClosedJaxpr, symbol: str, passes: Sequence[Step | OwnPass]
) -> Iterator[ModuleOp]:
    """Import a closed jaxpr and run passes: yield the module before and after each."""
    module = import_program(closed, name=symbol).module
    yield module
    for _ in run(Context(allow_unregistered=True), module, passes):
        yield module


def pass_effects(
    closed: ClosedJaxpr, symbol: str, steps: Sequence[Step | OwnPass]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Return how many gates of each name there are before and after passes.

    Passes and gates are left out where the number stays.
    """
    for step in steps:
        if step.level == "jaxpr":
            closed = step.found(closed)
    passes = [step for step in steps if step.level == "quantum"]
    before, *later = map(_gates, modules_after(closed, symbol, passes))
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for step, after in zip(passes, later, strict=True):
        changed = {
            name: (before[name], after[name])
            for name in dict.fromkeys((*before, *after))
            if before[name] != after[name]
        }
        if changed:
            found[step.name] = changed
        before = after
    return found


def _gates(module: ModuleOp) -> Counter[str]:
    """Return how many gates of each name there are in the text of a module."""
    found = Counter[str]()
    for op in module.walk():
        if isinstance(op, GateOp):
            found[op.gate.data] += 1
        elif isinstance(op, UnitaryOp):
            found["QubitUnitary"] += 1
    return found
