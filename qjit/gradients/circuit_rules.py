"""Derivatives of circuits, of any order: pushes along directions, and their pullbacks.

`circuit_push` is the derivative of a circuit's results along directions, linear in
each. `circuit_pull` is the gradient of a sum of such derivatives; without directions it
is the adjoint method. Each is the transpose of the other, so all further derivatives
are again of these two kinds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import ShapedArray
from jax.extend.core import Primitive

from qjit.errors import DifferentiationError
from qjit.lowering.jax_internals.tracing import Zero, ad, user_line, zero_tangent

from .hybrid_split import Core
from .qnode_primitives import circuit_p, pure_primitive
from .tangent_circuits import tangents

# The numbers of the operands that move, for each direction.
Directions = tuple[tuple[int, ...], ...]


def _push_results(
    *_: ShapedArray, core: Core, directions: Directions
) -> Sequence[ShapedArray]:
    return core.results


def _pull_results(
    *avals: ShapedArray, core: Core, directions: Directions, into: Sequence[int]
) -> Sequence[ShapedArray]:
    operands = avals[_width(directions) + len(core.results) :]
    return [operands[number] for number in into]


def _width(directions: Directions) -> int:
    return sum(map(len, directions))


# Operands: the directions' tangents, then the circuit's operands.
circuit_push_p = pure_primitive("circuit_push", _push_results)
# Operands: the directions' tangents, the results' cotangents, the circuit's operands.
circuit_pull_p = pure_primitive("circuit_pull", _pull_results)


@dataclass(frozen=True)
class Operands:
    """Operands with, for each, whether it has a batch axis."""

    values: tuple[Any, ...]
    batched: tuple[bool, ...]

    def __add__(self, other: "Operands") -> "Operands":
        return Operands(self.values + other.values, self.batched + other.batched)

    def part(self, start: int, count: int) -> "Operands":
        """Return some of the operands."""
        chosen = slice(start, start + count)
        return Operands(self.values[chosen], self.batched[chosen])

    def moved(self, dots: Sequence[Any]) -> "Operands":
        """Return how the operands move."""
        return Operands(tuple(map(ad.instantiate_zeros, dots)), self.batched)

    @property
    def is_linear(self) -> bool:
        """Whether a transposition is in one of these operands."""
        return any(map(ad.is_undefined_primal, self.values))


@dataclass(frozen=True)
class Direction:
    """Tangents of the operands that move."""

    wrt: tuple[int, ...]
    tangents: Operands


@dataclass(frozen=True)
class Call:
    """One application of a circuit or of its derivatives, taken apart."""

    core: Core
    size: int | None
    directions: tuple[Direction, ...]
    cotangents: Operands
    operands: Operands

    @staticmethod
    def of(
        args: Sequence[Any],
        core: Core,
        batch: Any,
        directions: Directions = (),
        cotangents: int = 0,
    ) -> "Call":
        """Take the operands of a primitive apart."""
        size, batched = (None, (False,) * len(args)) if batch is None else batch
        every, place = Operands(tuple(args), tuple(batched)), 0
        found: list[Direction] = []
        for wrt in directions:
            found.append(Direction(wrt, every.part(place, len(wrt))))
            place += len(wrt)
        last = place + cotangents
        return Call(
            core,
            size,
            tuple(found),
            every.part(place, cotangents),
            every.part(last, len(args) - last),
        )

    def moving(self, dots: Sequence[Any]) -> Direction | None:
        """Return the direction that the circuit's operands move in, if they move."""
        moving = [n for n, dot in enumerate(dots) if not isinstance(dot, Zero)]
        for number in moving:
            if number and number - 1 not in self.core.coefficients:
                raise DifferentiationError(
                    f"{user_line()}: '{self.core.name}' is differentiated by something "
                    "that is neither a gate's parameter or matrix, a prepared state, "
                    "nor an observable. Use jax.lax.stop_gradient on it."
                )
        if not moving:
            return None
        values = tuple(ad.instantiate_zeros(dots[n]) for n in moving)
        batched = tuple(self.operands.batched[n] for n in moving)
        return Direction(tuple(moving), Operands(values, batched))

    def replacements(self, dots: Sequence[Any]) -> Iterator[list[Direction]]:
        """Yield the directions, each time with one replaced by how it moves."""
        place = 0
        for number, direction in enumerate(self.directions):
            mine = dots[place : place + len(direction.wrt)]
            place += len(direction.wrt)
            if not _still(mine):
                changed = list(self.directions)
                moved = direction.tangents.moved(mine)
                changed[number] = Direction(direction.wrt, moved)
                yield changed

    def push(self, directions: Sequence[Direction]) -> list[Any]:
        """Return the derivative of the results along directions."""
        params = {"directions": tuple(d.wrt for d in directions)}
        return self._bind(circuit_push_p, directions, self.operands, params)

    def pull(
        self, directions: Sequence[Direction], cotangents: Operands, into: Sequence[int]
    ) -> list[Any]:
        """Return the gradient of a weighted sum of derivatives along directions."""
        wrts = tuple(d.wrt for d in directions)
        params: dict[str, Any] = {"directions": wrts, "into": tuple(into)}
        rest = cotangents + self.operands
        return self._bind(circuit_pull_p, directions, rest, params)

    def _bind(
        self,
        primitive: Primitive,
        directions: Sequence[Direction],
        rest: Operands,
        params: dict[str, Any],
    ) -> list[Any]:
        every = sum((d.tangents for d in directions), Operands((), ())) + rest
        batch = None if self.size is None else (self.size, every.batched)
        return primitive.bind(*every.values, core=self.core, batch=batch, **params)

    def each(self, cotangents: Sequence[Any]) -> Operands:
        """Return cotangents of results, of which every entry of a batch has its own."""
        dense = tuple(map(ad.instantiate_zeros, cotangents))
        return Operands(dense, (self.size is not None,) * len(dense))

    def linear(self) -> tuple[int, list[Direction]]:
        """Return the number of the direction that is transposed, and the others."""
        directions = self.directions
        number = next(n for n, d in enumerate(directions) if d.tangents.is_linear)
        return number, [*directions[:number], *directions[number + 1 :]]

    def placed(self, found: Sequence[Any], where: Operands, start: int) -> list[Any]:
        """Return the cotangents of all operands: those found, added over the batch."""
        outs: list[Any] = [None] * start
        for value, mapped in zip(found, where.batched, strict=True):
            shared = self.size is not None and not mapped
            outs.append(jnp.sum(value, axis=0) if shared else value)
        widths = [len(d.wrt) for d in self.directions]
        total = sum(widths) + len(self.cotangents.values) + len(self.operands.values)
        return outs + [None] * (total - len(outs))

    def start(self, number: int) -> int:
        """Return where a direction's tangents begin among the operands."""
        return sum(len(d.wrt) for d in self.directions[:number])


def _still(dots: Sequence[Any]) -> bool:
    return all(isinstance(dot, Zero) for dot in dots)


def _total(parts: Sequence[Sequence[Any]], outs: Sequence[Any]) -> list[Any]:
    if not parts:
        return [zero_tangent(out) for out in outs]
    return [sum(terms[1:], terms[0]) for terms in zip(*parts, strict=True)]


def _circuit_jvp(primals: Any, dots: Any, *, core: Core, batch: Any) -> tuple[Any, Any]:
    call = Call.of(primals, core, batch)
    outs = circuit_p.bind(*primals, core=core, batch=batch)
    direction = call.moving(dots)
    if direction is not None and core.samples:
        raise DifferentiationError(
            f"{user_line()}: a derivative of '{core.name}' from shots is "
            "differentiated by other arguments than it was taken by, in a function "
            "that was traced before. Take both derivatives by all of these arguments, "
            "or leave shots out."
        )
    if direction is None:
        return outs, [zero_tangent(out) for out in outs]
    return outs, call.push([direction])


def _push_jvp(
    primals: Any, dots: Any, *, core: Core, directions: Directions, batch: Any
) -> tuple[Any, Any]:
    call = Call.of(primals, core, batch, directions)
    outs = call.push(call.directions)
    parts = [call.push(changed) for changed in call.replacements(dots)]
    direction = call.moving(dots[_width(directions) :])
    if direction is not None:
        parts.append(call.push([*call.directions, direction]))
    return outs, _total(parts, outs)


def _push_transpose(
    cotangents: Any, *args: Any, core: Core, directions: Directions, batch: Any
) -> Any:
    call = Call.of(args, core, batch, directions)
    number, others = call.linear()
    direction = call.directions[number]
    found = call.pull(others, call.each(cotangents), direction.wrt)
    return call.placed(found, direction.tangents, call.start(number))


def _pull_jvp(
    primals: Any,
    dots: Any,
    *,
    core: Core,
    directions: Directions,
    into: Sequence[int],
    batch: Any,
) -> tuple[Any, Any]:
    call = Call.of(primals, core, batch, directions, len(core.results))
    outs = call.pull(call.directions, call.cotangents, into)
    parts = [
        call.pull(changed, call.cotangents, into) for changed in call.replacements(dots)
    ]
    first = _width(directions)
    last = first + len(core.results)
    if not _still(dots[first:last]):
        moved = call.cotangents.moved(dots[first:last])
        parts.append(call.pull(call.directions, moved, into))
    direction = call.moving(dots[last:])
    if direction is not None:
        changed = [*call.directions, direction]
        parts.append(call.pull(changed, call.cotangents, into))
    return outs, _total(parts, outs)


def _pull_transpose(
    cotangents: Any,
    *args: Any,
    core: Core,
    directions: Directions,
    into: Sequence[int],
    batch: Any,
) -> Any:
    """Transpose in the cotangents, or in a direction: derivatives commute."""
    call = Call.of(args, core, batch, directions, len(core.results))
    given = Direction(tuple(into), call.each(cotangents))
    if call.cotangents.is_linear:
        found = call.push([*call.directions, given])
        return call.placed(found, call.cotangents, _width(directions))
    number, others = call.linear()
    direction = call.directions[number]
    found = call.pull([*others, given], call.cotangents, direction.wrt)
    return call.placed(found, direction.tangents, call.start(number))


ad.primitive_jvps[circuit_p] = _circuit_jvp
ad.primitive_jvps[circuit_push_p] = _push_jvp
ad.primitive_jvps[circuit_pull_p] = _pull_jvp
ad.primitive_transposes[circuit_push_p] = _push_transpose
ad.primitive_transposes[circuit_pull_p] = _pull_transpose


def _run(core: Core, *operands: Any) -> list[Any]:
    return circuit_p.bind(*operands, core=core, batch=None)


def pushed(core: Core, directions: Directions) -> Callable[..., list[Any]]:
    """Return the derivative of a circuit along directions, made of circuits."""
    if not directions:
        return partial(_run, core)
    *rest, last = directions
    if not rest:
        return tangents(core, last, _run)
    inner, count = pushed(core, tuple(rest)), _width(tuple(rest))

    def run(*args: Any) -> list[Any]:
        before, dots = args[:count], args[count : count + len(last)]
        function, moving = _in_operands(inner, before, args[count + len(last) :], last)
        return jax.jvp(function, moving, tuple(dots))[1]

    return run


def pulled(
    core: Core, directions: Directions, into: Sequence[int]
) -> Callable[..., list[Any]]:
    """Return the gradient of a weighted derivative of a circuit, made of circuits."""
    inner, count = pushed(core, directions), _width(directions)
    last = count + len(core.results)

    def run(*args: Any) -> list[Any]:
        function, moving = _in_operands(inner, args[:count], args[last:], into)
        return list(jax.vjp(function, *moving)[1](list(args[count:last])))

    return run


def _in_operands(
    function: Callable[..., Any],
    before: Sequence[Any],
    operands: Sequence[Any],
    wrt: Sequence[int],
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return a function of some of the operands, and their values."""

    def of_moving(*values: Any) -> Any:
        every = list(operands)
        for number, value in zip(wrt, values, strict=True):
            every[number] = value
        return function(*before, *every)

    return of_moving, tuple(operands[number] for number in wrt)
