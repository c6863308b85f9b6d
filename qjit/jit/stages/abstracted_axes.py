"""Arguments of any size: axes that are abstracted, and the sizes of one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
from jax import export

from qjit.errors import AbstractedAxesError, DimensionError
from qjit.lowering.driver.program import Program
from qjit.lowering.jax_internals.equations import ComparingScope
from qjit.lowering.jax_internals.tracing import dimension_constraints, user_line
from qjit.lowering.jaxpr.dimensions import (
    Size,
    is_symbolic,
    linear,
    names,
    number,
    numbers,
)


@dataclass(frozen=True)
class Axes:
    """Names for some axes of an array."""

    names: Mapping[int, str]


@dataclass(frozen=True)
class Argument:
    """An array among the arguments of a call, and where it stands."""

    place: str
    shape: tuple[Size, ...]


def place_of(path: Any) -> str:
    """Name an array by its path in (args, kwargs)."""
    first, rest = path[1], jax.tree_util.keystr(path[2:])
    key = getattr(first, "idx", None)
    found = getattr(first, "key", first) if key is None else key
    return f"argument {found!r}{rest}"


def arguments_of(args: Any, kwargs: Any) -> list[Argument]:
    """Return every leaf of the arguments; what is no array has an empty shape."""
    return [
        Argument(place_of(path), tuple(getattr(leaf, "shape", ())))
        for path, leaf in jax.tree_util.tree_leaves_with_path((args, kwargs))
    ]


def _is_axes(spec: Any) -> bool:
    if isinstance(spec, dict):
        return all(isinstance(key, int) for key in spec)
    if isinstance(spec, tuple | list):
        return all(item in (None, ...) or isinstance(item, str) for item in spec)
    return spec is None or isinstance(spec, str)


class AbstractedAxes:
    """The axes of a function's arguments that may have any size."""

    def __init__(self, spec: Any, what: str) -> None:
        """Take names of axes in a prefix of the arguments' tree of a function."""
        self.spec = jax.tree.map(_parsed, spec, is_leaf=_is_axes)
        self.what = what
        self._scope = ComparingScope()

    def __bool__(self) -> bool:
        """Tell whether any axis is named."""
        return any(axes.names for axes in jax.tree.leaves(self.spec))

    def told_apart(self, sizes: Mapping[str, int]) -> bool:
        """Tell whether sizes that are equal were taken to differ, as JAX does."""
        for size, other in self._scope.compared:
            known = set(names([(size,), (other,)])) <= sizes.keys()
            difference = size - other if known else 0
            if is_symbolic(difference) and number(difference, sizes) == 0:
                return True
        return False

    def shapes(
        self, args: Any, kwargs: Any
    ) -> tuple[list[tuple[Size, ...]], dict[str, int]]:
        """Return the arguments' shapes, the named axes symbolic, and their sizes.

        A name that has size zero in this call stands for zero: JAX takes a symbolic
        dimension to be at least one.
        """
        arguments = arguments_of(args, kwargs)
        axes = self._broadcast(args, kwargs)
        named = [
            self._named(argument, each)
            for argument, each in zip(arguments, axes, strict=True)
        ]
        sizes = solve(named, [argument.shape for argument in arguments], self.what)
        empty = {name: 0 for name, size in sizes.items() if not size}
        shapes = [
            tuple(
                0 if is_symbolic(size) and str(size) in empty else size
                for size in argument.shape
            )
            for argument in named
        ]
        return shapes, {name: sizes[name] for name in names(shapes)}

    def _broadcast(self, args: Any, kwargs: Any) -> list[Axes]:
        spec = tuple(self.spec) if isinstance(self.spec, list) else self.spec
        try:
            full = jax.tree.broadcast(spec, args)
        except ValueError as error:
            entries = [jax.tree.structure(entry) for entry in (self.spec, args)]
            raise AbstractedAxesError(
                f"{user_line()}: abstracted_axes of '{self.what}' is of structure "
                f"{entries[0]}, but the arguments are of structure {entries[1]}. Give "
                "one entry per argument, or one entry for all."
            ) from error
        return [*jax.tree.leaves(full), *(Axes({}) for _ in jax.tree.leaves(kwargs))]

    def _named(self, argument: Argument, axes: Axes) -> Argument:
        shape: list[Size] = list(argument.shape)
        for axis, name in axes.names.items():
            if not -len(shape) <= axis < len(shape):
                raise AbstractedAxesError(
                    f"{user_line()}: abstracted_axes of '{self.what}' names axis "
                    f"{axis} of {argument.place}, but its shape is "
                    f"{_text(argument.shape)}. Give one entry per argument, and {{}} "
                    "for arguments of fixed shape."
                )
            (shape[axis],) = export.symbolic_shape(name, scope=self._scope)
        return Argument(argument.place, tuple(shape))


def _parsed(spec: Any) -> Axes:
    if not _is_axes(spec):
        raise AbstractedAxesError(
            f"{user_line()}: abstracted_axes takes names of axes, such as "
            f"{{0: 'n'}} or ('n', None), but got {spec!r}."
        )
    if spec is None:
        return Axes({})
    if isinstance(spec, str):
        spec = (spec,)
    items = spec.items() if isinstance(spec, dict) else enumerate(spec)
    found = {axis: name for axis, name in items if name not in (None, ...)}
    for name in found.values():
        if not isinstance(name, str) or not name.isidentifier():
            raise AbstractedAxesError(
                f"{user_line()}: abstracted_axes names an axis {name!r}. A name is a "
                "Python identifier in quotes, such as 'n'."
            )
    return Axes(found)


def solve(
    arguments: Sequence[Argument], shapes: Sequence[tuple[int, ...]], what: str
) -> dict[str, int]:
    """Return the sizes of the dimensions for which the arguments have these shapes."""
    sizes: dict[str, int] = {}
    givers: dict[str, str] = {}
    waiting: list[tuple[Argument, int, Size, int]] = []
    for argument, shape in zip(arguments, shapes, strict=True):
        if len(argument.shape) != len(shape):
            raise DimensionError(
                f"{user_line()}: '{what}' was compiled for {argument.place} of shape "
                f"{_text(argument.shape)}, but got shape {_text(shape)}. Call it with "
                "as many axes, or compile it again."
            )
        pairs = zip(argument.shape, shape, strict=True)
        waiting += [(argument, a, size, n) for a, (size, n) in enumerate(pairs)]
    # NOTE: single names first, so that an expression is checked rather than solved.
    waiting.sort(key=lambda item: not str(item[2]).isidentifier())
    for argument, axis, size, found in waiting:
        where = f"{argument.place} has {found} (axis {axis})"
        for name in [n for n in names([(size,)]) if n not in sizes]:
            sizes[name] = _solved(size, name, found, sizes, where, what)
            givers[name] = where
        expected = number(size, sizes)
        if expected != found:
            _disagree(size, expected, where, sizes, givers, what)
    return sizes


def _text(shape: Sequence[Size]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def _solved(
    size: Size, name: str, found: int, sizes: Mapping[str, int], where: str, what: str
) -> int:
    parts = linear(size, name)
    if parts is None or any(each not in sizes for each in names([(parts[1],)])):
        raise DimensionError(
            f"{user_line()}: '{what}': dimension '{name}' cannot be found from "
            f"'{size}': {where}. Let one axis of an argument have the size "
            f"'{name}' itself."
        )
    scale, rest = parts[0], number(parts[1], sizes)
    if (found - rest) % scale:
        raise DimensionError(
            f"{user_line()}: '{what}' was compiled for size '{size}', but {where}, "
            f"which no '{name}' gives. Call it with arrays that fit."
        )
    return (found - rest) // scale


def _disagree(
    size: Size,
    expected: int,
    where: str,
    sizes: Mapping[str, int],
    givers: Mapping[str, str],
    what: str,
) -> None:
    used = names([(size,)])
    if not used:
        raise DimensionError(
            f"{user_line()}: '{what}' was compiled for size {size}, but {where}. Name "
            "the axis to let it have any size."
        )
    kind = "dimension" if str(size) == used[0] else "size"
    known = "; ".join(givers[name] for name in used)
    meaning = "" if kind == "dimension" else f", so '{size}' is {expected}"
    raise DimensionError(
        f"{user_line()}: '{what}': {kind} '{size}': {known}{meaning}, but {where}. "
        "Axes of one name have one size: make the sizes equal, or give the axes "
        "different names."
    )


def check_constraints(
    arguments: Sequence[Argument], sizes: Mapping[str, int], what: str
) -> None:
    """Refuse sizes that the scope of the symbolic dimensions excludes."""
    every = [size for argument in arguments for size in argument.shape]
    rules = [(f"{name} >= 1", size - 1, False) for name, size in sizes.items()]
    for text, difference, equal in [*rules, *dimension_constraints(every)]:
        if any(name not in sizes for name in names([(difference,)])):
            continue
        value = number(difference, sizes)
        if value < 0 or (equal and value):
            raise DimensionError(
                f"{user_line()}: '{what}' was compiled for sizes with {text}, but got "
                f"{_sizes_text(sizes)}. Call it with arrays that fit, or compile it "
                "for such sizes."
            )


def _sizes_text(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in sizes.items())


def check_sizes(program: Program, sizes: Mapping[str, int], what: str) -> None:
    """Refuse sizes for which an array of the program would have a negative size."""
    for size, reserved in program.sizes.items():
        try:
            fits = number(size, sizes) >= 0 or not reserved
        except ZeroDivisionError:
            fits = False
        if not fits:
            raise DimensionError(
                f"{user_line()}: '{what}' uses the size '{size}', which does not exist "
                f"for {_sizes_text(sizes)}. Call it with larger arrays."
            )


def has_symbolic_shape(args: Any, kwargs: Any) -> bool:
    """Tell whether a shape among the arguments has a symbolic dimension."""
    return any(
        is_symbolic(size)
        for argument in arguments_of(args, kwargs)
        for size in argument.shape
    )


def concrete_avals(avals: Sequence[Any], sizes: Mapping[str, int]) -> list[Any]:
    """Return abstract arrays with their sizes as numbers."""
    return [jax.ShapeDtypeStruct(numbers(a.shape, sizes), a.dtype) for a in avals]
