"""How the passes of a pipeline run on a module."""

from collections.abc import Iterator, Sequence

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from qjit.lowering.program_attributes import PASSES, set_passes, texts_of

from .pipeline import OwnPass, Step, find_step


def yet_to_come(module: ModuleOp) -> list[Step]:
    """Return the passes that a module says are yet to come."""
    return [find_step(name) for name in texts_of(module.attributes.get(PASSES))]


def run(
    context: Context, module: ModuleOp, passes: Sequence[Step | OwnPass]
) -> Iterator[Step | OwnPass]:
    """Run passes on a module, which then says what is yet to come; yield each one."""
    names = [step.name for step in passes]
    for number, step in enumerate(passes):
        step.found().apply(context, module)
        set_passes(module, names[number + 1 :])
        yield step
