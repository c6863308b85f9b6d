"""The pipeline: which passes run on an imported program, in which order."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass


from .form_schedules import FormSchedulesPass


PASSES: dict[str, type[ModulePass]] = {
    each.name: each
    for each in (FormSchedulesPass,)
}

# Passes that users may leave out or reorder; what follows them is the conversion.
DEFAULT: tuple[str, ...] = ()

Pipeline = Sequence[str | ModulePass] | Callable[[tuple[str, ...]], Sequence[Any]]


@cache
def context() -> Context:
    """Return a context that knows every dialect."""
    found = Context(allow_unregistered=True)
    return found


def resolve_pipeline(
    pipeline: Pipeline | None,
) -> list[Callable[[ModuleOp], None]]:
    """Return the passes to run, the conversion to schedules last."""
    if pipeline is None:
        chosen: Sequence[Any] = DEFAULT
    elif callable(pipeline):
        chosen = pipeline(DEFAULT)
    else:
        chosen = pipeline
    passes = [_pass(each) for each in (*chosen, FormSchedulesPass.name)]
    return [_runner(each) for each in passes]


def _pass(item: str | ModulePass | type[ModulePass]) -> ModulePass:
    if isinstance(item, ModulePass):
        return item
    if isinstance(item, type):
        return item()
    if item not in PASSES:
        known = ", ".join(sorted(PASSES))
        raise ValueError(f"there is no pass {item!r}. The passes are: {known}.")
    return PASSES[item]()


def _runner(each: ModulePass) -> Callable[[ModuleOp], None]:
    return lambda module: each.apply(context(), module)
