"""Import rules of operations on windows that slide over an array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from xdsl.dialects import arith
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer, rule
from qjit.lowering.importer.values import Value
from qjit.lowering.jaxpr.dimensions import Size, at_most, larger

from .reductions import (
    REDUCTIONS,
    Combine,
    combine_by_function,
    combine_by_jaxpr,
    combine_by_name,
    computed_together,
    highest,
    identity,
    lowest,
)
from .shapes import add_index, cheap, choose, padded, scale_index, sliced, when

Scalars = Sequence[SSAValue]
Step = Callable[[list[SSAValue], Scalars], Scalars]


@dataclass(frozen=True)
class Windows:
    """Windows over an array that is spread out and padded first, axis by axis."""

    importer: Importer
    extents: tuple[Size, ...]
    counts: tuple[Size, ...]
    sizes: tuple[Size, ...]
    strides: tuple[int, ...]
    low: tuple[Size, ...]
    spread: tuple[int, ...]
    dilation: tuple[int, ...]

    def fold(self, position: Scalars, initial: Scalars, step: Step) -> Scalars:
        """Run over the elements of one window; padding takes no step."""

        def visit(offset: list[SSAValue], carried: Scalars) -> Scalars:
            places, inside = self.places(position, offset)
            if inside is None:
                return step(places, carried)
            return choose(self.importer, inside, lambda: step(places, carried), carried)

        return self.importer.loop(self.sizes, visit, initial)

    def places(
        self, position: Scalars, offset: Scalars
    ) -> tuple[list[SSAValue], SSAValue | None]:
        """Return where a window's element stands, and whether it is an element."""
        found: list[SSAValue] = []
        conditions: list[SSAValue] = []
        for axis in range(len(self.extents)):
            here = self._raw(axis, position[axis], offset[axis])
            found.append(self._element(axis, here, conditions))
        inside: SSAValue | None = None
        for condition in conditions:
            inside = (
                condition
                if inside is None
                else self.importer.emit(arith.AndIOp(inside, condition))
            )
        return found, inside

    def _raw(self, axis: int, position: SSAValue, offset: SSAValue) -> SSAValue:
        importer = self.importer
        start = scale_index(importer, position, self.strides[axis])
        start = add_index(importer, start, -self.low[axis])
        if self.sizes[axis] == 1:
            return start
        moved = scale_index(importer, offset, self.dilation[axis])
        return importer.emit(arith.AddiOp(start, moved))

    def _element(
        self, axis: int, here: SSAValue, conditions: list[SSAValue]
    ) -> SSAValue:
        importer, spread = self.importer, self.spread[axis]
        length = larger(0, (self.extents[axis] - 1) * spread + 1)
        last = (self.counts[axis] - 1) * self.strides[axis]
        last += (self.sizes[axis] - 1) * self.dilation[axis] - self.low[axis]
        if not (at_most(self.low[axis], 0) and at_most(last, length - 1)):
            bound = importer.index_constant(length)
            conditions.append(importer.emit(arith.CmpiOp(here, bound, "ult")))
        if spread == 1:
            return here
        step, zero = importer.index_constant(spread), importer.index_constant(0)
        rest = importer.emit(arith.RemUIOp(here, step))
        conditions.append(importer.emit(arith.CmpiOp(rest, zero, "eq")))
        return importer.emit(arith.DivUIOp(here, step))


def windows_of(
    importer: Importer, params: Any, extents: Sequence[Size], counts: Sequence[Size]
) -> Windows:
    """Return the windows that an equation's parameters describe."""
    ones = (1,) * len(extents)
    return Windows(
        importer,
        tuple(extents),
        tuple(counts),
        tuple(params["window_dimensions"]),
        tuple(params["window_strides"]),
        tuple(low for low, _ in params["padding"]),
        tuple(params.get("base_dilation") or ones),
        tuple(params.get("window_dilation") or ones),
    )


def _reduce_windows(
    importer: Importer,
    eqn: Any,
    inputs: Sequence[Value],
    initial: Scalars,
    combine: Combine,
) -> list[Value]:
    avals = [var.aval for var in eqn.outvars]
    inputs = [cheap(importer, value) for value in inputs]
    shape, counts = inputs[0].shape, eqn.outvars[0].aval.shape
    windows = windows_of(importer, eqn.params, shape, counts)

    def step(places: list[SSAValue], carried: Scalars) -> Scalars:
        return combine(carried, [importer.element(value, places) for value in inputs])

    return computed_together(
        importer, avals, lambda position: windows.fold(position, initial, step)
    )


def _named(name: str) -> None:
    @rule(f"reduce_window_{name}")
    def _(importer: Importer, eqn: Any, x: Value) -> list[Value]:
        combine = combine_by_name(importer, name, x.dtype)
        initial = [identity(importer, name, x.dtype)]
        return _reduce_windows(importer, eqn, [x], initial, combine)


for _name in REDUCTIONS:
    _named(_name)


@rule("reduce_window")
def _reduce_window(importer: Importer, eqn: Any, *inputs: Value) -> list[Value]:
    count = len(eqn.outvars)
    combine = combine_by_jaxpr(
        importer, eqn.params["jaxpr"], eqn.params.get("consts", ())
    )
    initial = [importer.scalar(value) for value in inputs[count:]]
    return _reduce_windows(importer, eqn, inputs[:count], initial, combine)


def _compare(importer: Importer, eqn: Any) -> Callable[[SSAValue, SSAValue], SSAValue]:
    """Return the comparison by which an element stays selected."""
    dtype = eqn.invars[1].aval.dtype
    select = combine_by_function(importer, eqn.params["select_prim"].bind, dtype)
    return lambda x, y: select([x], [y])[0]


@rule("select_and_gather_add")
def _select_and_gather_add(
    importer: Importer, eqn: Any, tangents: Value, x: Value
) -> list[Value]:
    stays = _compare(importer, eqn)

    def combine(old: Scalars, new: Scalars) -> Scalars:
        which = stays(old[0], new[0])
        return [
            importer.emit(arith.SelectOp(which, a, b))
            for a, b in zip(old, new, strict=True)
        ]

    x, tangents = cheap(importer, x), cheap(importer, tangents)
    first = importer.scalar_constant(_least(eqn, x.dtype), x.dtype)
    initial = [first, importer.scalar_constant(0, tangents.dtype)]
    aval = eqn.outvars[0].aval
    windows = windows_of(importer, eqn.params, x.shape, aval.shape)

    def step(places: list[SSAValue], carried: Scalars) -> Scalars:
        elements = [importer.element(value, places) for value in (x, tangents)]
        return combine(carried, elements)

    return computed_together(
        importer, [aval], lambda position: windows.fold(position, initial, step)[1:]
    )


def _least(eqn: Any, dtype: Any) -> Any:
    """Return the value that every element is selected over."""
    return (lowest if eqn.params["select_prim"].name == "ge" else highest)(dtype)


def _scatter_selected(
    importer: Importer,
    x: Value,
    source: Value,
    windows: Windows,
    select: Callable[[SSAValue, SSAValue], SSAValue],
    scatter: Combine,
    target: SSAValue,
) -> None:
    """Combine each source element into the place that its window selects."""
    no, yes = (importer.scalar_constant(v, np.bool_) for v in (False, True))
    zero = importer.index_constant(0)
    nothing = importer.scalar_constant(0, x.dtype)

    def step(places: list[SSAValue], carried: Scalars) -> Scalars:
        found, best, *rest = carried
        element = importer.element(x, places)
        stays = importer.emit(arith.AndIOp(found, select(best, element)))
        pairs = zip((best, *rest), (element, *places), strict=True)
        chosen = [importer.emit(arith.SelectOp(stays, a, b)) for a, b in pairs]
        return [yes, *chosen]

    def body(position: list[SSAValue], _: Any) -> Scalars:
        initial = [no, nothing, *(zero for _ in x.shape)]
        found, _, *places = windows.fold(position, initial, step)

        def write() -> None:
            old = importer.load(target, places, x.dtype)
            (new,) = scatter([old], [importer.element(source, position)])
            importer.store(new, target, places, x.dtype)

        when(importer, found, write)
        return []

    importer.loop(source.shape, body)


def _filled(importer: Importer, aval: Any, filling: SSAValue) -> SSAValue:
    target = importer.allocate(aval.shape, aval.dtype)
    importer.copy_into(importer.lazy(aval, [], lambda _: filling), target)
    return target


@rule("select_and_scatter")
def _select_and_scatter(
    importer: Importer, eqn: Any, x: Value, source: Value, first: Value
) -> list[Value]:
    aval, params = eqn.outvars[0].aval, eqn.params
    x, source = cheap(importer, x), cheap(importer, source)
    select, scatter = (
        combine_by_jaxpr(
            importer, params[f"{name}_jaxpr"], params.get(f"{name}_consts", ())
        )
        for name in ("select", "scatter")
    )
    if not aval.shape:
        return [
            importer.from_scalar(
                scatter([importer.scalar(first)], [importer.scalar(source)])[0], aval
            )
        ]
    target = _filled(importer, aval, importer.scalar(first))
    windows = windows_of(importer, params, x.shape, source.shape)
    _scatter_selected(
        importer,
        x,
        source,
        windows,
        lambda a, b: select([a], [b])[0],
        scatter,
        target,
    )
    return [importer.from_buffer(target, aval)]


@rule("select_and_scatter_add")
def _select_and_scatter_add(
    importer: Importer, eqn: Any, source: Value, x: Value
) -> list[Value]:
    """Scatter into the padded array, where padding can be selected, as JAX does."""
    aval, padding = eqn.outvars[0].aval, eqn.params["padding"]
    if not aval.shape:
        return [source]
    filling = importer.constant(np.asarray(_least(eqn, x.dtype), x.dtype))
    x = padded(importer, x, filling, [(low, high, 0) for low, high in padding])
    source = cheap(importer, source)
    wide = jax.ShapeDtypeStruct(x.shape, x.dtype)
    target = _filled(importer, wide, importer.scalar_constant(0, x.dtype))
    params = {**eqn.params, "padding": [(0, 0)] * len(padding)}
    windows = windows_of(importer, params, x.shape, source.shape)
    scatter = combine_by_name(importer, "sum", x.dtype)
    _scatter_selected(
        importer, x, source, windows, _compare(importer, eqn), scatter, target
    )
    whole = importer.from_buffer(target, wide)
    starts = [low for low, _ in padding]
    return [sliced(importer, aval, whole, starts, [1] * len(starts))]
