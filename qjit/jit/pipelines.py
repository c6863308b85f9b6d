"""Pipelines that users give, which may be wrong."""

from collections.abc import Callable
from typing import TypeVar

from qjit.errors import PipelineError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes import pipeline as pipelines

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
