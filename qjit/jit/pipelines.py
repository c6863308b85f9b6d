"""Pipelines that users give, which may be wrong."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from qjit.errors import PipelineError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes import pipeline as pipelines
from qjit.tracing.context import Estimates

ESTIMATING = "measurement-from-samples"
Given = TypeVar("Given")
Steps = TypeVar("Steps")


def checked_steps(resolve: Callable[[Given], Steps], given: Given) -> Steps:
    """Return the steps of a pipeline.

    Raises:
        PipelineError: for one that cannot be, with the user's line.
    """
    try:
        return resolve(given)
    except pipelines.PipelineError as error:
        raise PipelineError(f"{user_line()}: {error}") from error


def estimates_of(steps: Sequence[Any]) -> Estimates | None:
    """Return how the steps of a pipeline estimate exact statistics, if they do."""
    for each in steps:
        step = pipelines.find_step(each) if isinstance(each, str) else each
        if step.name == ESTIMATING:
            found = step.found()
            # NOTE: without a number it takes that of samples, which are not exact.
            return None if found.shots is None else Estimates(found.shots, found.seed)
    return None
