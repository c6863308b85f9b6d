"""Import rule of convolutions: windows of the left operand times the right one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from xdsl.dialects import arith
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.values import Value, kind_of_dtype
from qjit.lowering.jaxpr.dimensions import Size, at_most

from .reductions import plus, spread, times
from .shapes import cheap, padded, reshaped, scale_index, transposed
from .windows import Windows

Scalars = Sequence[SSAValue]


@dataclass(frozen=True)
class _Convolution:
    """A convolution of a padded (batch, feature, *space) by a (out, in, *window)."""

    importer: Importer
    left: Value
    right: Value
    dtype: Any  # of the sum
    windows: Windows
    batch: Size
    outputs: Size  # of a group
    inputs: Size  # of a group
    feature_groups: int
    batch_groups: int

    @property
    def groups(self) -> int:
        """Return how many independent convolutions there are."""
        return self.feature_groups * self.batch_groups

    def term(
        self, batch: SSAValue, group: SSAValue, output: SSAValue, rest: Scalars
    ) -> SSAValue:
        """Return a product, for places in space, then an input, then an offset."""
        importer, rank = self.importer, len(self.windows.sizes)
        space, feature, offset = rest[:rank], rest[rank], rest[rank + 1 :]
        places, _ = self.windows.places(space, offset)
        row, column = batch, feature
        if self.batch_groups > 1:
            row = self._sum(scale_index(importer, group, self.batch), batch)
        elif self.feature_groups > 1:
            column = self._sum(scale_index(importer, group, self.inputs), feature)
        chosen = self._sum(scale_index(importer, group, self.outputs), output)
        a = importer.element(self.left, [row, column, *places])
        b = importer.element(self.right, [chosen, feature, *offset])
        a = convert(importer, a, self.left.dtype, self.dtype)
        b = convert(importer, b, self.right.dtype, self.dtype)
        return times(importer, kind_of_dtype(self.dtype), a, b)

    def _sum(self, x: SSAValue, y: SSAValue) -> SSAValue:
        return self.importer.emit(arith.AddiOp(x, y))

    def along_outputs(self) -> Value:
        """Add up along the output features, and return (batch, feature, *space)."""
        space = self.windows.counts

        def visit(place: Scalars, offset: Scalars) -> SSAValue:
            batch, *position, group, output = place
            return self.term(batch, group, output, [*position, *offset])

        shape = (self.batch, *space, self.groups, self.outputs)
        found = self._accumulated(shape, visit)
        joined = (self.batch, *space, self.groups * self.outputs)
        found = reshaped(self.importer, jax.ShapeDtypeStruct(joined, self.dtype), found)
        last = len(space) + 1
        return transposed(self.importer, found, (0, last, *range(1, last)))

    def along_space(self) -> Value:
        """Add up along the last axis of space, and return (batch, feature, *space)."""
        space = self.windows.counts

        def visit(place: Scalars, offset: Scalars) -> SSAValue:
            batch, group, output, *position = place
            return self.term(batch, group, output, [*position, *offset])

        shape = (self.batch, self.groups, self.outputs, *space)
        found = self._accumulated(shape, visit)
        joined = (self.batch, self.groups * self.outputs, *space)
        return reshaped(self.importer, jax.ShapeDtypeStruct(joined, self.dtype), found)

    def _accumulated(
        self, shape: tuple[Size, ...], visit: Callable[[Scalars, Scalars], SSAValue]
    ) -> Value:
        """Add up terms in memory, running along the last axis innermost."""
        importer, dtype = self.importer, self.dtype
        kind, zero = kind_of_dtype(dtype), importer.scalar_constant(0, dtype)
        target = importer.allocate(shape, dtype)
        importer.copy_into(spread(importer, shape, dtype, zero), target)

        def row(outer: list[SSAValue], _: Any) -> Scalars:
            def products(offset: list[SSAValue], _: Any) -> Scalars:
                def add(inner: list[SSAValue], _: Any) -> Scalars:
                    place = [*outer, *inner]
                    old = importer.load(target, place, dtype)
                    new = plus(importer, kind, old, visit(place, offset))
                    importer.store(new, target, place, dtype)
                    return []

                return importer.loop(shape[-1:], add)

            return importer.loop([self.inputs, *self.windows.sizes], products)

        importer.loop(shape[:-1], row)
        return importer.from_buffer(target, jax.ShapeDtypeStruct(shape, dtype))


def _accumulator(dtype: Any) -> Any:
    """Return the dtype in which products are added up."""
    small = jax.numpy.issubdtype(dtype, np.floating) and dtype.itemsize < 4
    return np.dtype(np.float32) if small else dtype


def _prepared(
    importer: Importer, params: Any, x: Value, y: Value, *, wide: bool
) -> tuple[Value, Value]:
    """Return the operands in canonical order, laid out for the innermost loop."""
    numbers = params["dimension_numbers"]
    x = transposed(importer, x, numbers.lhs_spec)
    y = transposed(importer, y, numbers.rhs_spec)
    pads = zip(params["padding"], params["lhs_dilation"], strict=True)
    config = [(0, 0, 0)] * 2 + [(low, high, step - 1) for (low, high), step in pads]
    x = padded(importer, x, importer.constant(np.zeros((), x.dtype)), config)
    if not wide:
        importer.materialise([x])
        return x, cheap(importer, y)
    order = list(reversed(range(len(y.shape))))
    y = transposed(importer, y, order)
    importer.materialise([y])
    return cheap(importer, x), transposed(importer, y, order)


@rule("conv_general_dilated")
def _conv_general_dilated(
    importer: Importer, eqn: Any, x: Value, y: Value
) -> list[Value]:
    aval, params = eqn.outvars[0].aval, eqn.params
    numbers = params["dimension_numbers"]
    batch, features, *space = (aval.shape[axis] for axis in numbers.out_spec)
    rank = len(space)
    groups = params["feature_group_count"] * params["batch_group_count"]
    outputs = features // groups
    wide = not space or at_most(space[-1], outputs)
    x, y = _prepared(importer, params, x, y, wide=wide)
    steps = tuple(params["window_strides"]), tuple(params["rhs_dilation"])
    windows = Windows(
        *(importer, x.shape[2:], tuple(space), y.shape[2:], steps[0]),
        *((0,) * rank, (1,) * rank, steps[1]),
    )
    dtype = _accumulator(aval.dtype)
    made = _Convolution(
        *(importer, x, y, dtype, windows, batch, outputs, y.shape[1]),
        *(params["feature_group_count"], params["batch_group_count"]),
    )
    found = made.along_outputs() if wide else made.along_space()
    found = transposed(importer, found, list(np.argsort(numbers.out_spec)))
    return [
        importer.map(aval, [found], lambda s: convert(importer, s, dtype, aval.dtype))
    ]
