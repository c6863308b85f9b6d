"""The pipeline: which passes run on an imported program, in which order."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from .form_schedules import FormSchedulesPass
from .passes import DEFAULT, FRONT, find_pass

Pipeline = Sequence[str | ModulePass] | Callable[[tuple[str, ...]], Sequence[Any]]


@cache
def _context() -> Context:
    return Context(allow_unregistered=True)


def _chosen(pipeline: Pipeline | None) -> Sequence[Any]:
    default = (*FRONT, *DEFAULT)
    if pipeline is None:
        return default
    return pipeline(default) if callable(pipeline) else pipeline


def asks_for(pipeline: Pipeline | None, name: str) -> bool:
    """Tell whether a pipeline has a step of this name."""
    return name in _chosen(pipeline)


def pipeline_names(pipeline: Pipeline | None) -> tuple[str, ...] | None:
    """Return the names of the steps of a pipeline; None if some are not ours."""
    chosen = tuple(_chosen(pipeline))
    return chosen if all(type(each) is str for each in chosen) else None


def resolve_pipeline(
    pipeline: Pipeline | None,
) -> list[Callable[[ModuleOp], None]]:
    """Return the passes to run, the conversion to schedules last.

    Args:
        pipeline: names of passes, passes, or a callable from the default tuple to a
            new one; None for the default.
    """
    passes = [each for each in _chosen(pipeline) if each not in FRONT]
    return [_runner(_pass(each)) for each in (*passes, FormSchedulesPass())]


def _pass(item: str | ModulePass | type[ModulePass]) -> ModulePass:
    if isinstance(item, ModulePass):
        return item
    return find_pass(item)() if isinstance(item, str) else item()


def _runner(each: ModulePass) -> Callable[[ModuleOp], None]:
    return lambda module: each.apply(_context(), module)
