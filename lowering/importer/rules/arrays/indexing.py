"""Import rules of gather and scatter, as XLA defines them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.dialects import arith
from xdsl.ir import SSAValue

from qjit.lowering.importer.importer import Importer, index, rule
from qjit.lowering.importer.rules.scalars.conversions import convert
from qjit.lowering.importer.values import Value, kind_of_dtype
from qjit.lowering.jaxpr.dimensions import Size, at_most, is_symbolic

from .reductions import combine_by_jaxpr
from .shapes import choose, clamped, when, writable_copy

Indices = Sequence[SSAValue]


@dataclass(frozen=True)
class Window:
    """How positions of a gather or scatter lead into the operand."""

    importer: Importer
    operand_shape: tuple[Size, ...]
    indices: Value
    window_axes: tuple[int, ...]
    dropped: tuple[int, ...]
    index_map: tuple[int, ...]
    batch: tuple[tuple[int, int], ...]
    sizes: tuple[Size, ...]
    clips: bool
    checks: bool

    def start(self, position: Indices) -> tuple[list[SSAValue | None], SSAValue | None]:
        """Return the start per operand axis, and whether the window is inside."""
        importer = self.importer
        starts: list[SSAValue | None] = [None] * len(self.operand_shape)
        inside: SSAValue | None = None
        rows = [p for a, p in enumerate(position) if a not in self.window_axes]
        for number, axis in enumerate(self.index_map):
            here = importer.index_constant(number)
            raw = importer.element(self.indices, [*rows, here])
            found = convert(importer, raw, self.indices.dtype, np.int64)
            last = self.operand_shape[axis] - self.sizes[axis]
            low, high = (importer.scalar_constant(v, np.int64) for v in (0, last))
            if self.clips:
                found = clamped(importer, raw, self.indices.dtype, last)
            elif self.checks:
                fits = importer.emit(arith.CmpiOp(found, high, "ule"))
                if at_most(last, -1):
                    fits = importer.scalar_constant(False, np.bool_)
                elif is_symbolic(last):
                    possible = importer.emit(arith.CmpiOp(high, low, "sge"))
                    fits = importer.emit(arith.AndIOp(fits, possible))
                both = fits if inside is None else arith.AndIOp(inside, fits)
                inside = both if isinstance(both, SSAValue) else importer.emit(both)
            starts[axis] = importer.emit(arith.IndexCastOp(found, index))
        for axis, row in self.batch:
            starts[axis] = rows[row]
        return starts, inside

    def place(self, position: Indices, starts: list[SSAValue | None]) -> Indices:
        """Return where in the operand a position of the result stands."""
        offsets = iter([position[axis] for axis in self.window_axes])
        places: list[SSAValue] = []
        for axis, start in enumerate(starts):
            offset = None if axis in self.dropped else next(offsets)
            if start is None:
                places.append(offset or self.importer.index_constant(0))
            elif offset is None:
                places.append(start)
            else:
                places.append(self.importer.emit(arith.AddiOp(start, offset)))
        return places


def _mode(eqn: Any) -> str:
    mode = eqn.params["mode"]
    return getattr(mode, "name", str(mode)).split(".")[-1]


@rule("gather")
def _gather(importer: Importer, eqn: Any, x: Value, indices: Value) -> list[Value]:
    aval, numbers = eqn.outvars[0].aval, eqn.params["dimension_numbers"]
    importer.materialise([x, indices])
    mode = _mode(eqn)
    window = Window(
        importer,
        x.shape,
        indices,
        tuple(numbers.offset_dims),
        (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims),
        tuple(numbers.start_index_map),
        tuple(
            zip(
                numbers.operand_batching_dims,
                numbers.start_indices_batching_dims,
                strict=True,
            )
        ),
        tuple(eqn.params["slice_sizes"]),
        mode != "FILL_OR_DROP",
        mode == "FILL_OR_DROP",
    )
    filling = importer.scalar_constant(_fill_value(eqn, x.dtype), x.dtype)

    def element(position: Indices) -> SSAValue:
        starts, inside = window.start(position)
        if inside is None:
            return importer.element(x, window.place(position, starts))
        return choose(
            importer,
            inside,
            lambda: [importer.element(x, window.place(position, starts))],
            [filling],
        )[0]

    return [importer.lazy(aval, [x, indices], element)]


def _fill_value(eqn: Any, dtype: Any) -> Any:
    given = eqn.params.get("fill_value")
    if given is not None:
        return given
    dtype = np.dtype(dtype)
    if kind_of_dtype(dtype) in "fc":
        return np.nan
    if kind_of_dtype(dtype) == "b":
        return True
    return np.iinfo(dtype).min if kind_of_dtype(dtype) == "i" else np.iinfo(dtype).max


def _update_sizes(
    shape: Sequence[Size], numbers: Any, update: Value
) -> tuple[Size, ...]:
    windows = iter(numbers.update_window_dims)
    dropped = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
    return tuple(
        1 if axis in dropped else update.shape[next(windows)]
        for axis in range(len(shape))
    )


@rule("scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min")
@rule("scatter_max", "scatter-add", "scatter-sub", "scatter-mul", "scatter-min")
@rule("scatter-max")
def _scatter(
    importer: Importer, eqn: Any, x: Value, indices: Value, update: Value
) -> list[Value]:
    """Combine the updates in their order, as XLA does on CPUs."""
    made = writable_copy(importer, x, indices, update)
    target = importer.buffer(made)
    window = _scatter_window(importer, eqn, x, indices, update)
    body = eqn.params["update_jaxpr"]
    combine = body and combine_by_jaxpr(importer, body, eqn.params["update_consts"])

    def visit(position: list[SSAValue], _: Any) -> list[SSAValue]:
        starts, inside = window.start(position)

        def write() -> None:
            place = window.place(position, starts)
            new = importer.element(update, position)
            if combine is not None:
                old = importer.load(target, place, x.dtype)
                (new,) = combine([old], [new])
            importer.store(new, target, place, x.dtype)

        if inside is None:
            write()
        else:
            when(importer, inside, write)
        return []

    importer.loop(update.shape, visit)
    return [made]


def _scatter_window(
    importer: Importer, eqn: Any, x: Value, indices: Value, update: Value
) -> Window:
    numbers, clips = eqn.params["dimension_numbers"], _mode(eqn) == "CLIP"
    batch = zip(
        numbers.operand_batching_dims,
        numbers.scatter_indices_batching_dims,
        strict=True,
    )
    return Window(
        importer,
        x.shape,
        indices,
        tuple(numbers.update_window_dims),
        (*numbers.inserted_window_dims, *numbers.operand_batching_dims),
        tuple(numbers.scatter_dims_to_operand_dims),
        tuple(batch),
        _update_sizes(x.shape, numbers, update),
        clips,
        not clips,
    )
