"""The pipeline: what is done to a program, in one table.

A step of level "jaxpr" is a function from a jaxpr to another; all others are passes of
xDSL on a module. Levels follow one another. Steps are imported when they are needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from typing import Any

# A sequence of names and passes; or a function from the default names to such a one.
Pipeline = Sequence[Any] | Callable[[tuple[str, ...]], Sequence[Any]]

LEVELS = ("jaxpr", "quantum", "schedule", "classical", "llvm")


class PipelineError(ValueError):
    """A pipeline has a step that does not exist, or an order that cannot work."""


class PassError(NotImplementedError):
    """A pass cannot do its work on a program; the text begins with the user's line."""


@dataclass(frozen=True)
class Step:
    """A step of the pipeline: its name, its level, and where it is.

    Those that no program does without are needed.
    """

    name: str
    level: str
    module: str
    attribute: str
    needed: bool = False

    @cached_property
    def found(self) -> Any:
        """The function or the class of the pass."""
        return getattr(import_module(self.module), self.attribute)

    @property
    def meaning(self) -> str:
        """What it does, in one line."""
        return (self.found.__doc__ or "").partition("\n")[0]


def _pass(name: str, level: str, *, needed: bool = False) -> Step:
    """Return the step of a pass: its file and its class are named after it."""
    module = f"qjit.lowering.passes.{level}.{name.replace('-', '_')}"
    attribute = "".join(map(str.capitalize, name.split("-"))) + "Pass"
    return Step(name, level, module, attribute, needed)


def _rewrite(name: str, module: str) -> Step:
    """Return the step of a rewrite of jaxprs."""
    place = f"qjit.lowering.jaxpr.{module}"
    return Step(name, "jaxpr", place, module.rpartition(".")[2])


CONVERSION = "qjit.lowering.conversion.convert_to_llvm"
TABLE: tuple[Step, ...] = (
    _rewrite("reroll-loops", "reroll.reroll"),
    _rewrite("share-forward-runs", "share_forward_runs"),
    _pass("decompose-gates", "quantum", needed=True),
    _pass("cancel-inverses", "quantum"),
    _pass("merge-rotations", "quantum"),
    _pass("build-schedules", "schedule", needed=True),
    _pass("retime-loops", "schedule"),
    _pass("select-kernels", "schedule"),
    _pass("fuse-loops", "classical"),
    _pass("elide-result-copies", "classical"),
    _pass("vectorize-batches", "classical"),
    Step("convert-to-llvm", "llvm", CONVERSION, "ConvertToLLVMPass", needed=True),
)
STEPS = {step.name: step for step in TABLE}
DEFAULT: tuple[str, ...] = tuple(step.name for step in TABLE if not step.needed)


@dataclass(frozen=True)
class OwnPass:
    """A pass that a user brings, as a class or an object, and its level."""

    item: Any
    level: str

    @property
    def name(self) -> str:
        """The name that the pass has."""
        return str(self.item.name)

    @property
    def found(self) -> Any:
        """What makes the pass."""
        return self.item if isinstance(self.item, type) else lambda: self.item


def resolve(pipeline: Pipeline | None) -> tuple[Step | OwnPass, ...]:
    """Return the steps of a pipeline in order, those that are needed included.

    The steps of each level after "quantum" are the default ones where a sequence names
    none of that level; a function decides on all.
    """
    if callable(pipeline):
        return tuple(_in_order(_known(pipeline(DEFAULT))))
    steps = _in_order(_known(DEFAULT if pipeline is None else pipeline))
    named = {step.level for step in steps if not getattr(step, "needed", False)}
    for name in DEFAULT:
        level = STEPS[name].level
        if LEVELS.index(level) > LEVELS.index("quantum") and level not in named:
            steps.append(STEPS[name])
    return tuple(sorted(steps, key=lambda step: LEVELS.index(step.level)))


def _known(items: Sequence[Any]) -> list[Step | OwnPass]:
    """Return the steps that items stand for."""
    found: list[Step | OwnPass] = []
    level = "quantum"
    for item in items:
        step = find_step(item) if isinstance(item, str) else None
        if step is None and not hasattr(item, "apply"):
            raise PipelineError(
                f"a pipeline has names of passes and passes, but got {item!r}."
            )
        if step is not None:
            level = max(level, step.level, key=LEVELS.index)
        found.append(step or OwnPass(item, getattr(item, "level", level)))
    return found


def find_step(name: str) -> Step:
    """Return the step of a name."""
    if name not in STEPS:
        raise PipelineError(
            f"there is no pass '{name}'. The passes are {', '.join(STEPS)}."
        )
    return STEPS[name]


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
    _check([step for step in own if step.level == "schedule"], TABLE.index)
    return found


def _check(steps: Sequence[Any], place: Callable[[Any], int]) -> None:
    """Refuse steps whose places do not follow one another."""
    for before, after in pairwise(steps):
        if place(before) > place(after):
            raise PipelineError(
                f"'{after.name}', of level '{after.level}', cannot follow "
                f"'{before.name}', of level '{before.level}', which leaves nothing for "
                f"it to do. The order is {', '.join(STEPS)}."
            )


def names_of(steps: Sequence[Step | OwnPass]) -> tuple[str, ...] | None:
    """Return the names of steps; None if some are not ours."""
    names = tuple(step.name for step in steps)
    return names if all(isinstance(step, Step) for step in steps) else None
