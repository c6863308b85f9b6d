"""The passes of xDSL among the steps of the pipeline, by name."""

from collections.abc import Iterator, Mapping

from xdsl.passes import ModulePass

from .pipeline import STEPS, find_step


class Passes(Mapping[str, type[ModulePass]]):
    """The passes on modules, which are imported when they are asked for."""

    def __getitem__(self, name: str) -> type[ModulePass]:
        found: type[ModulePass] = find_step(name).found
        return found

    def __iter__(self) -> Iterator[str]:
        return (step.name for step in STEPS.values() if step.level != "jaxpr")

    def __len__(self) -> int:
        return sum(1 for _ in self)


PASSES = Passes()
