"""The pipeline: which passes run on an imported program, in which order."""

from collections.abc import Callable, Sequence
from typing import Any

# Names of passes, or xDSL's passes; or a function from the default names to those.
Pipeline = Sequence[Any] | Callable[[tuple[str, ...]], Sequence[Any]]

# What the front end does before there is a module; names like those of passes.
FRONT: tuple[str, ...] = ("reroll-loops",)

# Passes that users may leave out or reorder; what follows them is the conversion.
DEFAULT: tuple[str, ...] = ("cancel-inverses", "merge-rotations")


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


def chosen_passes(pipeline: Pipeline | None) -> list[Any]:
    """Return the passes of a pipeline, or their names."""
    return [each for each in _chosen(pipeline) if each not in FRONT]
