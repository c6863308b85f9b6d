"""Programs that go on from the text of a stage of the compiler."""

from functools import partial
from typing import Any

import jax.numpy as jnp

from qjit.diagnostics.notebook import table
from qjit.diagnostics.translation import awaited
from qjit.errors import ArgumentError, DimensionError, StageError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.dimensions import numbers
from qjit.lowering.passes.pipeline import PipelineError

from .abstracted_axes import check_sizes


class CompiledStage:
    """A program that was compiled from the text of a stage: a function of arrays."""

    def __init__(self, text: str) -> None:
        # NOTE: the compiler, with xDSL, is imported when something is compiled.
        from qjit.lowering.driver.stage_text import TextError, compile_text

        if type(text) is not str:
            raise StageError(
                f"{user_line()}: compile_stage takes the text of a stage, such as "
                f'f.stages(*args)["quantum"], but got {type(text).__name__}.'
            )
        try:
            self._program, self._interface = compile_text(text)
        except (TextError, PipelineError) as error:
            raise StageError(f"{user_line()}: {error}") from error
        self.__name__ = self._interface.entry

    def _repr_html_(self) -> str:
        takes = ", ".join(aval.str_short() for aval in self._interface.inputs)
        return table(self.__name__, {"stage": "compiled", "takes": takes})

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """Run the program on its inputs, and return its results."""
        inputs, name = self._interface.inputs, self.__name__
        if len(args) != len(inputs):
            raise ArgumentError(
                f"{user_line()}: '{name}' takes {len(inputs)} arrays, but got "
                f"{len(args)}."
            )
        arrays = [
            jnp.asarray(arg, aval.dtype) for arg, aval in zip(args, inputs, strict=True)
        ]
        sizes = {
            str(dimension): size
            for array, aval in zip(arrays, inputs, strict=True)
            for dimension, size in zip(aval.shape, array.shape, strict=False)
            if str(dimension) in self._program.dimensions
        }
        if len(sizes) < len(self._program.dimensions):
            raise DimensionError(
                f"{user_line()}: the sizes {', '.join(self._program.dimensions)} of "
                f"'{name}' do not follow from arrays of these shapes."
            )
        for place, (array, aval) in enumerate(zip(arrays, inputs, strict=True)):
            if array.shape != numbers(aval.shape, sizes):
                raise DimensionError(
                    f"{user_line()}: '{name}' takes an array of shape {aval.shape} as "
                    f"argument {place}, but got one of shape {array.shape}."
                )
        check_sizes(self._program, sizes, name)
        return tuple(awaited(partial(self._program.call, sizes=sizes), *arrays))


def compile_stage(text: str) -> CompiledStage:
    """Compile a program from the text of one of its stages, which may be edited.

    Args:
        text: the text of a stage of a module, as in `f.stages(*args)["quantum"]`. Its
            attribute `qjit.passes` has the passes that are yet to come.

    Returns:
        A function from the arrays that the program takes, in the order of its
        arguments' leaves, to a tuple of the arrays that it returns.

    Raises:
        StageError: if the text cannot be parsed, breaks a rule of its operations, or
            calls Python from another process; the message says where.

    >>> import qjit as qj
    >>> @qj.qjit
    ... @qj.qnode(wires=1)
    ... def energy(angle):
    ...     qj.RX(angle, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> text = energy.stages(0.0)["quantum"]
    >>> (value,) = qj.compile_stage(text.replace('gate "RX"', 'gate "RZ"'))(1.0)
    >>> print(value)
    1.0
    """
    return CompiledStage(text)
