"""Values of an imported program: scalars, buffers, and arrays computed on demand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    ComplexType,
    IntegerType,
    MemRefType,
    f32,
    f64,
)
from xdsl.ir import Attribute, SSAValue

from qjit.lowering.jaxpr.dimensions import Size, count, is_symbolic

from .half_precision import is_small

type_of_kind: dict[str, Attribute] = {
    # NOTE: 16-bit floats are computed in 32 bits, see half_precision.py.
    "bfloat16": f32,
    "float16": f32,
    "float32": f32,
    "float64": f64,
    "complex64": ComplexType(f32),
    "complex128": ComplexType(f64),
    "bool": IntegerType(1),
    **{
        f"{sign}int{width}": IntegerType(width)
        for sign in ("", "u")
        for width in (8, 16, 32, 64)
    },
}


@cache
def is_native(dtype: Any) -> bool:
    """Return whether elements of a dtype have a native form."""
    return str(dtype) in type_of_kind


def element_type(dtype: Any) -> Attribute:
    """Return the type of one element as an SSA value."""
    native = type_of_kind.get(str(dtype))
    return IntegerType(8 * np.dtype(dtype).itemsize) if native is None else native


def storage_type(dtype: Any) -> Attribute:
    """Return the type of one element in memory, where a bool takes a byte."""
    if is_small(dtype):
        return IntegerType(16)
    return IntegerType(8) if dtype == np.bool_ else element_type(dtype)


def kind_of_dtype(dtype: Any) -> str:
    """Return the numpy kind letter of a dtype: b, i, u, f or c."""
    return "f" if is_small(dtype) else np.dtype(dtype).kind


def memref_type(shape: Sequence[Size], dtype: Any) -> MemRefType[Attribute]:
    """Return the type of a contiguous row-major buffer."""
    return MemRefType(storage_type(dtype), static_shape(shape))


def static_shape(shape: Sequence[Size]) -> list[int]:
    """Return a shape with a mark where a size is known only at run time."""
    return [DYNAMIC_INDEX if is_symbolic(size) else int(size) for size in shape]


@dataclass(eq=False)
class Buffer:
    """A buffer that several values may look into."""

    writable: bool = True


@dataclass(eq=False)
class Value:
    """What a jaxpr variable stands for while its program is imported.

    Exactly one of `ssa`, `memref`, `element` and `constant` need be given.
    """

    shape: tuple[Size, ...]
    dtype: Any
    ssa: SSAValue | None = None
    memref: SSAValue | None = None
    buffer: Buffer | None = None
    element: Callable[[Sequence[SSAValue]], SSAValue] | None = None
    constant: np.ndarray[Any, Any] | None = None
    inputs: tuple["Value", ...] = ()
    elementwise: bool = False
    cheap: bool = False
    depth: int = 0

    @property
    def size(self) -> Size:
        """Return the number of elements."""
        return count(self.shape)

    @property
    def is_lazy(self) -> bool:
        """Return whether reading an element computes it anew."""
        return self.memref is None and self.element is not None

    def reads(self) -> dict[Buffer, SSAValue | None]:
        """Return the buffers that reading this value may touch.

        Each comes with its memref if an element of this value needs no other element
        of the buffer than the one in its own place.
        """
        found: dict[Buffer, SSAValue | None] = {}
        seen: set[tuple[int, bool]] = set()
        waiting: list[tuple[Value, bool]] = [(self, True)]
        while waiting:
            value, in_place = waiting.pop()
            if (id(value), in_place) in seen:
                continue
            seen.add((id(value), in_place))
            if value.buffer is not None:
                same = found.setdefault(value.buffer, value.memref) is value.memref
                if not (same and in_place):
                    found[value.buffer] = None
            else:
                inside = in_place and value.elementwise
                waiting.extend(
                    (each, inside and each.shape == self.shape) for each in value.inputs
                )
        return found
