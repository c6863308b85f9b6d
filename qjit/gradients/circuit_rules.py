"""Derivatives of circuits, of any order: Jacobian-vector and vector-Jacobian products.

`circuit_jvp` is the derivative of a circuit's results along directions, linear in
each. `circuit_vjp` is the gradient of a sum of such derivatives; without directions it
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

from .hybrid_split import CircuitProgram
from .qnode_primitives import circuit_p, pure_primitive
from .tangent_circuits import circuit_tangents

# The numbers of the active operands, for each direction.
Directions = tuple[tuple[int, ...], ...]


def _jvp_results(
    *_: ShapedArray, program: CircuitProgram, directions: Directions
) -> Sequence[ShapedArray]:
    return program.results


def _vjp_results(
    *avals: ShapedArray,
    program: CircuitProgram,
    directions: Directions,
    into: Sequence[int],
) -> Sequence[ShapedArray]:
    operands = avals[_width(directions) + len(program.results) :]
    return [operands[number] for number in into]


def _width(directions: Directions) -> int:
    return sum(map(len, directions))


# Operands: the directions' tangents, then the circuit's operands.
circuit_jvp_p = pure_primitive("circuit_jvp", _jvp_results)
# Operands: the directions' tangents, the results' cotangents, the circuit's operands.
circuit_vjp_p = pure_primitive("circuit_vjp", _vjp_results)


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

    def with_tangents(self, tangents: Sequence[Any]) -> "Operands":
        """Return the tangents of the operands."""
        return Operands(tuple(map(ad.instantiate_zeros, tangents)), self.batched)

    @property
    def is_linear(self) -> bool:
        """Whether a transposition is in one of these operands."""
        return any(map(ad.is_undefined_primal, self.values))


@dataclass(frozen=True)
class Direction:
    """Tangents of the active operands."""

    wrt: tuple[int, ...]
    tangents: Operands


@dataclass(frozen=True)
class Call:
    """One application of a circuit or of its derivatives, taken apart."""

    program: CircuitProgram
    size: int | None
    directions: tuple[Direction, ...]
    cotangents: Operands
    operands: Operands

    @staticmethod
    def of(
        args: Sequence[Any],
        program: CircuitProgram,
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
            program,
            size,
            tuple(found),
            every.part(place, cotangents),
            every.part(last, len(args) - last),
        )

    def direction(self, tangents: Sequence[Any]) -> Direction | None:
        """Return the direction of the active operands, if any are active."""
        active = [
            n for n, tangent in enumerate(tangents) if not isinstance(tangent, Zero)
        ]
        for number in active:
            if number and number - 1 not in self.program.coefficients:
                raise DifferentiationError(
                    f"{user_line()}: '{self.program.name}' is differentiated by "
                    "something that is neither a gate's parameter or matrix, a "
                    "prepared state, nor an observable. "
                    "Use jax.lax.stop_gradient on it."
                )
        if not active:
            return None
        values = tuple(ad.instantiate_zeros(tangents[n]) for n in active)
        batched = tuple(self.operands.batched[n] for n in active)
        return Direction(tuple(active), Operands(values, batched))

    def replacements(self, tangents: Sequence[Any]) -> Iterator[list[Direction]]:
        """Yield the directions, each time with one replaced by its tangents."""
        place = 0
        for number, direction in enumerate(self.directions):
            own = tangents[place : place + len(direction.wrt)]
            place += len(direction.wrt)
            if not _inactive(own):
                changed = list(self.directions)
                along = direction.tangents.with_tangents(own)
                changed[number] = Direction(direction.wrt, along)
                yield changed

    def jvp(self, directions: Sequence[Direction]) -> list[Any]:
        """Return the derivative of the results along directions."""
        params = {"directions": tuple(d.wrt for d in directions)}
        return self._bind(circuit_jvp_p, directions, self.operands, params)

    def vjp(
        self, directions: Sequence[Direction], cotangents: Operands, into: Sequence[int]
    ) -> list[Any]:
        """Return the gradient of a weighted sum of derivatives along directions."""
        wrts = tuple(d.wrt for d in directions)
        params: dict[str, Any] = {"directions": wrts, "into": tuple(into)}
        rest = cotangents + self.operands
        return self._bind(circuit_vjp_p, directions, rest, params)

    def _bind(
        self,
        primitive: Primitive,
        directions: Sequence[Direction],
        rest: Operands,
        params: dict[str, Any],
    ) -> list[Any]:
        every = sum((d.tangents for d in directions), Operands((), ())) + rest
        batch = None if self.size is None else (self.size, every.batched)
        return primitive.bind(
            *every.values, program=self.program, batch=batch, **params
        )

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


def _inactive(tangents: Sequence[Any]) -> bool:
    return all(isinstance(tangent, Zero) for tangent in tangents)


def _total(parts: Sequence[Sequence[Any]], outs: Sequence[Any]) -> list[Any]:
    if not parts:
        return [zero_tangent(out) for out in outs]
    return [sum(terms[1:], terms[0]) for terms in zip(*parts, strict=True)]


def _circuit_jvp(
    primals: Any, tangents: Any, *, program: CircuitProgram, batch: Any
) -> tuple[Any, Any]:
    call = Call.of(primals, program, batch)
    outs = circuit_p.bind(*primals, program=program, batch=batch)
    direction = call.direction(tangents)
    if direction is not None and program.estimated:
        raise DifferentiationError(
            f"{user_line()}: '{program.name}', which is estimated by "
            "'measurement-from-samples', has derivatives by angles of gates only. Give "
            "shots to qnode(shots=...) instead."
        )
    if direction is not None and program.samples:
        raise DifferentiationError(
            f"{user_line()}: a derivative of '{program.name}' from shots is "
            "differentiated by other arguments than it was taken by, in a function "
            "that was traced before. Take both derivatives by all of these arguments, "
            "or leave shots out."
        )
    if direction is None:
        return outs, [zero_tangent(out) for out in outs]
    return outs, call.jvp([direction])


def _jvp_jvp(
    primals: Any,
    tangents: Any,
    *,
    program: CircuitProgram,
    directions: Directions,
    batch: Any,
) -> tuple[Any, Any]:
    call = Call.of(primals, program, batch, directions)
    outs = call.jvp(call.directions)
    parts = [call.jvp(changed) for changed in call.replacements(tangents)]
    direction = call.direction(tangents[_width(directions) :])
    if direction is not None:
        parts.append(call.jvp([*call.directions, direction]))
    return outs, _total(parts, outs)


def _jvp_transpose(
    cotangents: Any,
    *args: Any,
    program: CircuitProgram,
    directions: Directions,
    batch: Any,
) -> Any:
    call = Call.of(args, program, batch, directions)
    number, others = call.linear()
    direction = call.directions[number]
    found = call.vjp(others, call.each(cotangents), direction.wrt)
    return call.placed(found, direction.tangents, call.start(number))


def _vjp_jvp(
    primals: Any,
    tangents: Any,
    *,
    program: CircuitProgram,
    directions: Directions,
    into: Sequence[int],
    batch: Any,
) -> tuple[Any, Any]:
    call = Call.of(primals, program, batch, directions, len(program.results))
    outs = call.vjp(call.directions, call.cotangents, into)
    parts = [
        call.vjp(changed, call.cotangents, into)
        for changed in call.replacements(tangents)
    ]
    first = _width(directions)
    last = first + len(program.results)
    if not _inactive(tangents[first:last]):
        along = call.cotangents.with_tangents(tangents[first:last])
        parts.append(call.vjp(call.directions, along, into))
    direction = call.direction(tangents[last:])
    if direction is not None:
        changed = [*call.directions, direction]
        parts.append(call.vjp(changed, call.cotangents, into))
    return outs, _total(parts, outs)


def _vjp_transpose(
    cotangents: Any,
    *args: Any,
    program: CircuitProgram,
    directions: Directions,
    into: Sequence[int],
    batch: Any,
) -> Any:
    """Transpose in the cotangents, or in a direction: derivatives commute."""
    call = Call.of(args, program, batch, directions, len(program.results))
    given = Direction(tuple(into), call.each(cotangents))
    if call.cotangents.is_linear:
        found = call.jvp([*call.directions, given])
        return call.placed(found, call.cotangents, _width(directions))
    number, others = call.linear()
    direction = call.directions[number]
    found = call.vjp([*others, given], call.cotangents, direction.wrt)
    return call.placed(found, direction.tangents, call.start(number))


ad.primitive_jvps[circuit_p] = _circuit_jvp
ad.primitive_jvps[circuit_jvp_p] = _jvp_jvp
ad.primitive_jvps[circuit_vjp_p] = _vjp_jvp
ad.primitive_transposes[circuit_jvp_p] = _jvp_transpose
ad.primitive_transposes[circuit_vjp_p] = _vjp_transpose


def _run(program: CircuitProgram, *operands: Any) -> list[Any]:
    return circuit_p.bind(*operands, program=program, batch=None)


def jvp_by_circuits(
    program: CircuitProgram, directions: Directions
) -> Callable[..., list[Any]]:
    """Return the derivative of a circuit along directions, made of circuits."""
    if not directions:
        return partial(_run, program)
    *rest, last = directions
    if not rest:
        return circuit_tangents(program, last, _run)
    inner, count = jvp_by_circuits(program, tuple(rest)), _width(tuple(rest))

    def run(*args: Any) -> list[Any]:
        before, tangents = args[:count], args[count : count + len(last)]
        function, active = _in_operands(inner, before, args[count + len(last) :], last)
        return jax.jvp(function, active, tuple(tangents))[1]

    return run


def vjp_by_circuits(
    program: CircuitProgram, directions: Directions, into: Sequence[int]
) -> Callable[..., list[Any]]:
    """Return the gradient of a weighted derivative of a circuit, made of circuits."""
    inner, count = jvp_by_circuits(program, directions), _width(directions)
    last = count + len(program.results)

    def run(*args: Any) -> list[Any]:
        function, active = _in_operands(inner, args[:count], args[last:], into)
        return list(jax.vjp(function, *active)[1](list(args[count:last])))

    return run


def _in_operands(
    function: Callable[..., Any],
    before: Sequence[Any],
    operands: Sequence[Any],
    wrt: Sequence[int],
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return a function of some of the operands, and their values."""

    def of_active(*values: Any) -> Any:
        every = list(operands)
        for number, value in zip(wrt, values, strict=True):
            every[number] = value
        return function(*before, *every)

    return of_active, tuple(operands[number] for number in wrt)
