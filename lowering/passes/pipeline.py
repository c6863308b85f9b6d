"""The pipeline: what is done to a program, in one table.

A step of level "jaxpr" is a function from a jaxpr to another; all others are passes of
xDSL on a module. Levels follow one another. Steps are imported when they are needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from itertools import pairwise
from typing import Any

from .presets import PRESETS

# A sequence of names and passes, the name of one, or a function from the default names.
Pipeline = str | Sequence[Any] | Callable[[tuple[str, ...]], Sequence[Any]]

# The group in which other packages list passes.
ENTRY_POINTS = "qjit.passes"
LEVELS = ("jaxpr", "quantum", "schedule", "classical", "llvm")


class PipelineError(ValueError):
    """A pipeline has a step that does not exist, or an order that cannot work."""


class PassError(NotImplementedError):
    """A pass cannot do its work on a program; the text begins with the user's line."""


@dataclass(frozen=True)
class Step:
    """A step of the pipeline: its name, its level, and where it is.

    Those that no program does without are needed; others are in the default pipeline
    or not. Those are final that depend on the gates that run in the end, on their
    times, or on where they are: on a device they come after its own. Those that are not
    exact are about noise and errors of gates. Options are written behind the name in
    braces, as xDSL has them.
    """

    name: str
    level: str
    module: str
    attribute: str
    needed: bool = False
    default: bool = True
    final: bool = False
    exact: bool = True
    options: str = ""

    @property
    def text(self) -> str:
        """The name with the options."""
        return self.name + self.options

    @cached_property
    def found(self) -> Any:
        """The function of the step, or what makes the pass."""
        found = getattr(import_module(self.module), self.attribute)
        return self._with_options(found) if self.options else found

    def _with_options(self, found: Any) -> Any:
        if self.level == "jaxpr":
            raise PipelineError(f"'{self.name}' takes no options.")
        from xdsl.passes import PassPipeline

        try:
            parsed = PassPipeline.parse_spec({self.name: lambda: found}, self.text)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # xDSL's is no Exception
            reason = " ".join(str(error).split())
            raise PipelineError(f"'{self.text}' cannot be read: {reason}") from error
        (only,) = parsed.passes
        return lambda: only

    @property
    def meaning(self) -> str:
        """What it does, in one line."""
        return (self.found.__doc__ or "").partition("\n")[0]


def _pass(
    name: str,
    folder: str,
    *,
    needed: bool = False,
    default: bool = True,
    final: bool = False,
    exact: bool = True,
) -> Step:
    """Return the step of a pass: its file and its class are named after it.

    The first folder of its file is its level.
    """
    module = f"qjit.lowering.passes.{folder}.{name.replace('-', '_')}"
    attribute = "".join(map(str.capitalize, name.split("-"))) + "Pass"
    level = folder.partition(".")[0]
    return Step(name, level, module, attribute, needed, default, final, exact)


def _final(name: str, folder: str, *, exact: bool = True) -> Step:
    """Return the step of a pass that depends on the gates that run in the end."""
    return _pass(name, folder, default=False, final=True, exact=exact)


def _rewrite(name: str, module: str) -> Step:
    """Return the step of a rewrite of jaxprs."""
    place = f"qjit.lowering.jaxpr.{module}"
    return Step(name, "jaxpr", place, module.rpartition(".")[2])


CONVERSION = "qjit.lowering.conversion.convert_to_llvm"
TABLE: tuple[Step, ...] = (
    _rewrite("reroll-loops", "reroll.reroll"),
    _rewrite("share-forward-runs", "share_forward_runs"),
    _rewrite("gather-executions", "gather_executions"),
    _pass("qnode-passes", "quantum.circuit_pipelines", default=False),
    _pass("final-qnode-passes", "quantum.circuit_pipelines", default=False),
    _pass("decompose-gates", "quantum.decomposition", needed=True),
    _pass("device-passes", "quantum.circuit_pipelines"),
    _pass("defer-measurements", "quantum.dynamic_circuits", default=False),
    _pass("reuse-qubits", "quantum.dynamic_circuits", default=False),
    _pass("remove-dead-gates", "quantum.dataflow", default=False),
    _pass("unroll-loops", "quantum.loops", default=False),
    _pass("peel-loops", "quantum.loops", default=False),
    _pass("rotate-loops", "quantum.loops", default=False),
    _pass("hoist-loop-gates", "quantum.loops", default=False),
    _pass("cancel-inverses", "quantum.cancellation"),
    _pass("merge-rotations", "quantum.cancellation"),
    _pass("commute-controlled", "quantum.cancellation", default=False),
    _pass("single-qubit-fusion", "quantum.cancellation", default=False),
    _pass("combine-global-phases", "quantum.cancellation", default=False),
    _pass("undo-swaps", "quantum.cancellation", default=False),
    _pass("remove-barrier", "quantum.cancellation", default=False),
    _pass("disentangle-cnot", "quantum.dataflow", default=False),
    _pass("disentangle-swap", "quantum.dataflow", default=False),
    _pass("cnot-peephole", "quantum.resynthesis", default=False),
    _pass("phase-polynomial", "quantum.resynthesis", default=False),
    _pass("pauli-network", "quantum.pauli_rotations", default=False),
    _pass("consolidate-blocks", "quantum.resynthesis", default=False),
    _pass("clifford-t", "quantum.fault_tolerance", default=False, exact=False),
    _pass("to-pauli-products", "quantum.pauli_rotations", default=False),
    _pass("merge-pauli-rotations", "quantum.pauli_rotations", default=False),
    _pass("reduce-t-depth", "quantum.pauli_rotations", default=False),
    _pass("split-non-commuting", "quantum.measurements", default=False),
    _pass("diagonalize-measurements", "quantum.measurements", default=False),
    _pass("measurement-from-samples", "quantum.measurements", default=False),
    _final("route-qubits", "quantum.routing"),
    _final("fold-gates", "quantum.mitigation", exact=False),
    _final("twirl-pauli", "quantum.mitigation", exact=False),
    _final("schedule-gates", "quantum.timing"),
    _final("dynamical-decoupling", "quantum.timing"),
    _final("remove-delays", "quantum.timing"),
    _pass("build-schedules", "schedule", needed=True),
    _pass("retime-loops", "schedule"),
    _pass("select-kernels", "schedule"),
    _pass("fuse-loops", "classical"),
    _pass("elide-result-copies", "classical"),
    _pass("vectorize-batches", "classical"),
    Step("convert-to-llvm", "llvm", CONVERSION, "ConvertToLLVMPass", needed=True),
)
STEPS = {step.name: step for step in TABLE}
# What runs passes on circuits one by one.
OF_CIRCUITS = ("qnode-passes", "final-qnode-passes", "device-passes")
DEFAULT: tuple[str, ...] = tuple(
    step.name for step in TABLE if step.default and not step.needed
)


@dataclass(frozen=True)
class OwnPass:
    """A pass or a pattern of xDSL, as a class or an object, that a user brings."""

    item: Any
    level: str

    @property
    def name(self) -> str:
        """The name that the pass has, or that of its class."""
        kind = self.item if isinstance(self.item, type) else type(self.item)
        return str(getattr(self.item, "name", kind.__name__))

    @property
    def text(self) -> str:
        """The name."""
        return self.name

    @property
    def meaning(self) -> str:
        """What it does, in one line."""
        found = getattr(self.item, "meaning", None) or self.item.__doc__ or ""
        return str(found).partition("\n")[0]

    @property
    def exact(self) -> bool:
        """Whether it says that circuits mean the same after it, whatever their gates.

        A rewrite rule is compared with what it replaces, and so is exact.
        """
        return bool(getattr(self.item, "exact", False))

    @cached_property
    def found(self) -> Any:
        """What makes the pass."""
        if hasattr(self.item, "match_and_rewrite"):
            from .rewriting.patterns import PatternPass

            return lambda: PatternPass(self.name, self.item)
        return self.item if isinstance(self.item, type) else lambda: self.item


def resolve(pipeline: Pipeline | None) -> tuple[Step | OwnPass, ...]:
    """Return the steps of a pipeline in order, those that are needed included.

    The steps of each level after "quantum" are the default ones where a sequence names
    none of that level; a function decides on all.
    """
    if isinstance(pipeline, str):
        pipeline = preset(pipeline)
    if callable(pipeline):
        return tuple(_in_order(_known(pipeline(DEFAULT))))
    steps = _in_order(_known(DEFAULT if pipeline is None else pipeline))
    named = {step.level for step in steps if not getattr(step, "needed", False)}
    for name in DEFAULT:
        level = STEPS[name].level
        if LEVELS.index(level) > LEVELS.index("quantum") and level not in named:
            steps.append(STEPS[name])
    return tuple(sorted(steps, key=lambda step: LEVELS.index(step.level)))


def preset(name: str) -> tuple[str, ...]:
    """Return the passes of a pipeline that has a name.

    Raises:
        PipelineError: if there is none of this name.
    """
    if name not in PRESETS:
        raise PipelineError(
            f"there is no pipeline '{name}'. There are {', '.join(PRESETS)}; the name "
            f"of a pass is given in a tuple, as ('{name}',)."
        )
    return PRESETS[name]


def _known(items: Sequence[Any]) -> list[Step | OwnPass]:
    """Return the steps that items stand for."""
    found: list[Step | OwnPass] = []
    level = "quantum"
    for item in items:
        step = find_step(item) if isinstance(item, str) else item
        if not isinstance(step, Step | OwnPass):
            step = own_pass(item, level)
        level = max(level, step.level, key=LEVELS.index)
        found.append(step)
    return found


def own_pass(item: Any, level: str = "quantum") -> OwnPass:
    """Return the step of what a user brings."""
    if not hasattr(item, "apply") and not hasattr(item, "match_and_rewrite"):
        raise PipelineError(
            f"a pipeline has names of passes, passes and patterns, but got {item!r}."
        )
    found = OwnPass(item, getattr(item, "level", level))
    if found.level not in LEVELS[1:-1]:
        raise PipelineError(
            f"the level of pass '{found.name}' is {found.level!r}, but has to be one "
            f"of {', '.join(LEVELS[1:-1])}."
        )
    return found


def find_step(text: str) -> Step | OwnPass:
    """Return the step of a name, behind which its options may stand in braces."""
    name, brace, options = text.partition("{")
    if name in STEPS and not brace:
        return STEPS[name]
    if name in STEPS:
        step = replace(STEPS[name], options=brace + options)
        _ = step.found  # reads the options
        return step
    installed = installed_passes()
    if name not in installed:
        raise PipelineError(
            f"there is no pass '{name}'.{_meant(name, (*STEPS, *installed))} "
            "qjit.passes lists all."
        )
    if brace:
        raise PipelineError(f"'{name}' is of another package, and takes no options.")
    return own_pass(installed[name].load())


def installed_passes() -> dict[str, EntryPoint]:
    """Return the passes of other packages, by name."""
    return {found.name: found for found in entry_points(group=ENTRY_POINTS)}


def _in_order(steps: Sequence[Step | OwnPass]) -> list[Step | OwnPass]:
    """Return the steps with those that are needed; refuse an order that cannot work."""
    found: list[Step | OwnPass] = []
    names = [step.name for step in steps]
    waiting = [step for step in TABLE if step.needed and step.name not in names]
    for step in (*steps, None):
        level = len(LEVELS) if step is None else LEVELS.index(step.level)
        while waiting and LEVELS.index(waiting[0].level) <= level:
            found.append(waiting.pop(0))
        if step is not None:
            found.append(step)
    _check(found, lambda step: LEVELS.index(step.level))
    own = [step for step in found if isinstance(step, Step)]
    schedule = [step for step in own if step.level == "schedule"]
    _check(schedule, lambda step: list(STEPS).index(step.name))
    return found


def _check(steps: Sequence[Any], place: Callable[[Any], int]) -> None:
    """Refuse steps whose places do not follow one another."""
    for before, after in pairwise(steps):
        if place(before) > place(after):
            raise PipelineError(
                f"'{after.name}', of level '{after.level}', cannot follow "
                f"'{before.name}', of level '{before.level}', which leaves nothing for "
                f"it to do. The order is {_order_of(before, after)}."
            )


def resolve_circuit(passes: str | Sequence[Any]) -> tuple[str | OwnPass, ...]:
    """Return passes on single circuits: texts of ours, and the passes of users.

    Of a pipeline that has a name, these are its passes on gates.

    Raises:
        PipelineError: for what is no pass on gates.
    """
    if isinstance(passes, str):
        passes = [n for n in preset(passes) if STEPS[n].level == "quantum"]
    steps = _known(passes)
    for step in steps:
        if step.level != "quantum" or step.name in OF_CIRCUITS:
            raise PipelineError(
                f"'{step.name}', of level '{step.level}', is no pass on single "
                "circuits. Pass it to qjit(pipeline=...)."
            )
    return tuple(s.text if isinstance(s, Step) else s for s in steps)


def no_tangents(step: Step | OwnPass) -> str:
    """Return why a pass is not applied to circuits over dual numbers, and a remedy."""
    text = (
        "derivatives of second order or forward mode by the adjoint method are of "
        f"other circuits, on whose gates the pass '{step.name}' does not have its "
        "effect. Use diff_method='parameter-shift'"
    )
    if isinstance(step, Step):
        return f"{text}."
    return (
        f"{text}, or give the pass the attribute exact=True, if circuits mean the same "
        "after it, whatever their gates."
    )


def _order_of(before: Step | OwnPass, after: Step | OwnPass) -> str:
    """Return what follows what: the levels, or the passes of one."""
    of_level = [each.name for each in TABLE if each.level == after.level]
    return ", ".join(of_level if before.level == after.level else LEVELS)


def _meant(name: str, names: Sequence[str]) -> str:
    """Return a question that offers what is spelled alike, if anything is."""
    close = get_close_matches(name, names)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def names_of(steps: Sequence[Step | OwnPass]) -> tuple[str, ...] | None:
    """Return the names of steps; None if some are not ours."""
    names = tuple(step.text for step in steps)
    return names if all(isinstance(step, Step) for step in steps) else None
