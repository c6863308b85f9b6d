"""Complex numbers whose parts are run-time values, or known and cost nothing.

They make the matrices of a run's gates from the sines and cosines of its angles.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from qjit.lowering.kernels.schedule.gate_factors import Factor
from qjit.lowering.kernels.schedule.gate_model import Diagonal, TwoLevel
from qjit.lowering.native.gate_matrices import waves
from qjit.runtime.codegen.builder import F64, Body, Value
from qjit.runtime.codegen.types import Type, vector

Real = Value | float
Matrix = tuple["Number", "Number", "Number", "Number"]


def plus(x: Real, y: Real) -> Real:
    """x + y."""
    if not isinstance(x, Value):
        x, y = y, x
    if not isinstance(x, Value):
        assert not isinstance(y, Value)
        return float(x + y)
    return x if not isinstance(y, Value) and y == 0.0 else x + y


def minus(x: Real) -> Real:
    """-x."""
    return -x


def times(x: Real, y: Real) -> Real:
    """x * y."""
    if not isinstance(x, Value):
        x, y = y, x
    if not isinstance(x, Value):
        assert not isinstance(y, Value)
        return float(x * y)
    if not isinstance(y, Value):
        if y == 0.0:
            return 0.0
        if y in (1.0, -1.0):
            return x if y > 0 else -x
    return x * y


def inverse(x: Real) -> Real:
    """1 / x."""
    return x.body.coerce(1.0, x.type) / x if isinstance(x, Value) else 1.0 / x


@dataclass(frozen=True)
class Number:
    """A complex number."""

    re: Real
    im: Real = 0.0

    def __add__(self, other: Number) -> Number:
        return Number(plus(self.re, other.re), plus(self.im, other.im))

    def __neg__(self) -> Number:
        return Number(minus(self.re), minus(self.im))

    def __mul__(self, other: Number) -> Number:
        re = plus(times(self.re, other.re), minus(times(self.im, other.im)))
        return Number(re, plus(times(self.re, other.im), times(self.im, other.re)))

    @property
    def conjugate(self) -> Number:
        """Its complex conjugate."""
        return Number(self.re, minus(self.im))

    @property
    def square(self) -> Real:
        """The square of its size."""
        return plus(times(self.re, self.re), times(self.im, self.im))

    def over(self, other: Number) -> Number:
        """Their quotient."""
        if other.im == 0.0 or other.re == 0.0:
            # Real or imaginary: one division.
            turned = self if other.im == 0.0 else self * Number(0.0, -1.0)
            factor = inverse(other.re if other.im == 0.0 else other.im)
            return Number(times(turned.re, factor), times(turned.im, factor))
        product, factor = self * other.conjugate, inverse(other.square)
        return Number(times(product.re, factor), times(product.im, factor))


ONE, ZERO = Number(1.0), Number(0.0)
NO_MATRIX = (ONE, ZERO, ZERO, ONE)


def chosen(condition: Value, yes: Number, no: Number) -> Number:
    """One number where a condition holds, and the other elsewhere."""

    def part(x: Real, y: Real) -> Real:
        if x is y or (not isinstance(x, Value) and not isinstance(y, Value) and x == y):
            return x
        return condition.body.select(condition, x, y, F64)

    return Number(part(yes.re, no.re), part(yes.im, no.im))


def product(after: Matrix, before: Matrix) -> Matrix:
    """The product of 2x2 matrices."""
    a, b, c, d = after
    e, f, g, h = before
    return (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)


@dataclass
class Angles:
    """The angles of a run: their sines and cosines are computed together.

    They are those of some entries of a batch, each with parameters of its own, where
    there are several of these.
    """

    body: Body
    params: Sequence[Value]
    known: dict[tuple[int, tuple[float, ...]], int] = field(default_factory=dict)
    found: list[tuple[Value, Value]] = field(default_factory=list)

    def collect(self, factors: Iterable[Factor]) -> None:
        """Note the angles of some gates."""
        for factor in factors:
            for frequency in _frequencies(factor):
                self.known.setdefault((factor.param_offset, frequency), len(self.known))

    def compute(self) -> Value:
        """Compute all sines and cosines; whether all angles are small numbers."""
        body, count = self.body, len(self.known)
        if not count:
            return body.int(1).ne(0)
        used = count * len(self.params)
        padded = (used + 7) & -8  # of whole registers
        angles, sincos = (
            body.stack(F64, size, align=64) for size in (padded, 2 * padded)
        )
        for (place, frequency), number in self.known.items():
            for entry, params in enumerate(self.params):
                angle = self._angle(params, place, frequency)
                body.store(angle, angles, number * len(self.params) + entry)
        for number in range(used, padded):
            body.store(body.real(0.0), angles, number)
        name = "__qrt__sincos"
        small = body.call(name, body.int(0).type, angles, body.int(padded), sincos)
        sines = body.at(sincos, padded, F64)
        self.found = [
            (body.load(self.kind, sincos, number), body.load(self.kind, sines, number))
            for number in range(count)
        ]
        return small.ne(0)

    @property
    def kind(self) -> Type:
        """The type of a real number that is known at run time only."""
        count = len(self.params)
        return F64 if count == 1 else vector(F64, count)

    def _angle(self, params: Value, place: int, frequency: Sequence[float]) -> Value:
        parts = [
            times(self.body.load(F64, params, place + k), w)
            for k, w in enumerate(frequency)
            if w
        ]
        total = parts[0]
        for part in parts[1:]:
            total = plus(total, part)
        assert isinstance(total, Value)
        return total

    def sincos(self, factor: Factor, frequency: Sequence[float]) -> tuple[Real, Real]:
        """The cosine and the sine of an angle of a gate."""
        if not any(frequency):
            return 1.0, 0.0
        return self.found[self.known[factor.param_offset, tuple(frequency)]]

    def entries(self, factor: Factor) -> list[Number]:
        """The entries of a gate's matrix, or of its diagonal."""
        if factor.letters is not None:
            return self._rotation(factor)
        record = factor.record
        table = {w: record.compact(c) for w, c in record.harmonics().items()}
        found: list[Number] = []
        terms = [(wave, *self.sincos(factor, wave.frequency)) for wave in waves(table)]
        for place in range(next(iter(table.values())).size):
            total = ZERO
            for wave, c, s in terms:
                even, odd = (
                    complex(wave.even.flat[place]),
                    complex(wave.odd.flat[place]),
                )
                re = plus(times(c, even.real), times(s, -odd.imag))
                total = total + Number(
                    re, plus(times(c, even.imag), times(s, odd.real))
                )
            found.append(total)
        if not factor.adjoint:
            return found
        if len(found) == 4 and not factor.is_diagonal:
            found[1], found[2] = found[2], found[1]
        return [entry.conjugate for entry in found]

    def _rotation(self, factor: Factor) -> list[Number]:
        """The four entries of a rotation on two states."""
        c, s = self.sincos(factor, (0.5,))
        if factor.adjoint:
            s = minus(s)
        assert factor.letters is not None
        o = Number(0.0, minus(s)) * _power(factor.letters)
        return [Number(c), o, -o, Number(c)]

    def rotation_derivatives(self, factor: Factor) -> list[Number]:
        """The derivatives of the four entries of a rotation."""
        c, s = self.sincos(factor, (0.5,))
        assert factor.letters is not None
        sine = times(c, -0.5 if factor.adjoint else 0.5)
        o = Number(0.0, minus(sine)) * _power(factor.letters)
        return [Number(times(s, -0.5)), o, -o, Number(times(s, -0.5))]

    def matrix(self, factor: Factor) -> Matrix:
        """The 2x2 matrix of a gate."""
        entries = self.entries(factor)
        if factor.is_diagonal:
            return entries[0], ZERO, ZERO, entries[1]
        return entries[0], entries[1], entries[2], entries[3]

    def of_pair(self, pair: TwoLevel) -> Matrix:
        """The matrix of a pair gate."""
        total = NO_MATRIX
        for factor in pair.factors:
            total = product(self.matrix(factor), total)
        return total

    def of_phase(self, phase: Diagonal) -> list[Number]:
        """The factors of a phase gate that is no pair gate's."""
        assert phase.factor is not None
        if phase.factor.letters is not None:
            c, s = self.sincos(phase.factor, (0.5,))
            s = minus(s) if phase.factor.adjoint else s
            return [Number(c, minus(s)), Number(c, s)]
        entries = self.entries(phase.factor)
        return entries[:2] if len(phase.masks) == 1 else entries


def _power(count: int) -> Number:
    """(-i) to some power."""
    return (Number(1.0), Number(0.0, -1.0), Number(-1.0), Number(0.0, 1.0))[count & 3]


def _frequencies(factor: Factor) -> list[tuple[float, ...]]:
    if factor.letters is not None:
        return [(0.5,)]
    found = [wave.frequency for wave in waves(factor.record.harmonics())]
    return [frequency for frequency in found if any(frequency)]


def factors_of(gates: Iterable[TwoLevel | Diagonal]) -> Iterable[Factor]:
    """All factors of some gates."""
    for gate in gates:
        if isinstance(gate, TwoLevel):
            yield from gate.factors
        elif gate.factor is not None:
            yield gate.factor
