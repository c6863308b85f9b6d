"""Fourier algebra of gate matrices: every entry is a sum of c * exp(i w.theta)."""

from __future__ import annotations

import cmath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Frequency: TypeAlias = tuple[float, ...]
ComplexMatrix: TypeAlias = NDArray[np.complex128]
Harmonics: TypeAlias = Mapping[Frequency, ComplexMatrix]
Matrix: TypeAlias = "Sequence[Sequence[Series | complex]]"

NEGLIGIBLE = 1e-15


@dataclass(frozen=True)
class Angle:
    """An affine function of a gate's parameters: coefficients . theta + offset."""

    coefficients: Frequency
    offset: float = 0.0

    def __add__(self, other: Angle | float) -> Angle:
        if not isinstance(other, Angle):
            return Angle(self.coefficients, self.offset + other)
        pairs = zip(self.coefficients, other.coefficients, strict=True)
        return Angle(tuple(a + b for a, b in pairs), self.offset + other.offset)

    def __mul__(self, factor: float) -> Angle:
        scaled = tuple(factor * c for c in self.coefficients)
        return Angle(scaled, factor * self.offset)

    def __neg__(self) -> Angle:
        return self * -1.0

    def __sub__(self, other: Angle | float) -> Angle:
        return self + (-other)

    def __rsub__(self, other: float) -> Angle:
        return -self + other

    def __truediv__(self, divisor: float) -> Angle:
        return self * (1.0 / divisor)

    __radd__ = __add__
    __rmul__ = __mul__

    def evaluate(self, params: Sequence[float]) -> float:
        """The angle at the given parameter values."""
        pairs = zip(self.coefficients, params, strict=True)
        return sum((c * p for c, p in pairs), self.offset)

    def describe(self, names: Sequence[str]) -> str:
        """The angle as a formula in these names, such as "-phi + 3.14159"."""
        pairs = zip(self.coefficients, names, strict=True)
        terms = [f"{_factor(c)}{name}" for c, name in pairs if c]
        if self.offset or not terms:
            terms.append(f"{self.offset:g}")
        return " + ".join(terms).replace("+ -", "- ")


def _factor(coefficient: float) -> str:
    return {1.0: "", -1.0: "-"}.get(coefficient, f"{coefficient:g}*")


@dataclass(frozen=True)
class Series:
    """A finite Fourier series in `arity` parameters: frequency -> coefficient."""

    arity: int
    terms: Mapping[Frequency, complex]

    def __add__(self, other: Series | complex) -> Series:
        terms = dict(self.terms)
        for frequency, coefficient in self._lift(other).terms.items():
            terms[frequency] = terms.get(frequency, 0) + coefficient
        kept = {w: c for w, c in terms.items() if abs(c) > NEGLIGIBLE}
        return Series(self.arity, kept)

    def __mul__(self, other: Series | complex) -> Series:
        product = Series(self.arity, {})
        for w, c in self.terms.items():
            for v, d in self._lift(other).terms.items():
                frequency = tuple(a + b for a, b in zip(w, v, strict=True))
                product += Series(self.arity, {frequency: c * d})
        return product

    def __neg__(self) -> Series:
        return self * -1

    def __sub__(self, other: Series | complex) -> Series:
        return self + (-other)

    def __rsub__(self, other: complex) -> Series:
        return -self + other

    __radd__ = __add__
    __rmul__ = __mul__

    def _lift(self, value: Series | complex) -> Series:
        if isinstance(value, Series):
            return value
        return Series(self.arity, {(0.0,) * self.arity: value})


def parameters(count: int) -> tuple[Angle, ...]:
    """The gate's parameters themselves, as angles."""
    return tuple(Angle(tuple(map(float, row))) for row in np.eye(count))


def phase(angle: Angle) -> Series:
    """exp(i angle)."""
    frequency = angle.coefficients
    return Series(len(frequency), {frequency: cmath.exp(1j * angle.offset)})


def cos(angle: Angle) -> Series:
    """cos(angle)."""
    return 0.5 * (phase(angle) + phase(-angle))


def sin(angle: Angle) -> Series:
    """sin(angle)."""
    return -0.5j * (phase(angle) - phase(-angle))


def diagonal(entries: Sequence[Series | complex]) -> Matrix:
    """The diagonal matrix of these entries."""
    return embedded(len(entries), {k: [[entry]] for k, entry in enumerate(entries)})


def embedded(size: int, blocks: Mapping[int | tuple[int, ...], Matrix]) -> Matrix:
    """The identity of `size`, with blocks written over the named basis states."""
    rows: list[list[Series | complex]] = [list(row) for row in np.eye(size).tolist()]
    for key, block in blocks.items():
        states = key if isinstance(key, tuple) else (key,)
        for i, row in zip(states, block, strict=True):
            for j, entry in zip(states, row, strict=True):
                rows[i][j] = entry
    return rows


def compose(first: Matrix, second: Matrix) -> Matrix:
    """The matrix of `first` followed by `second`."""
    product = np.array(second, object) @ np.array(first, object)
    return product.tolist()


def harmonics(matrix: Matrix, arity: int) -> Harmonics:
    """The matrix coefficient of each frequency: U(theta) = sum_w C_w exp(i w.theta)."""
    size = len(matrix)
    table: dict[Frequency, ComplexMatrix] = {}
    constant = (0.0,) * arity
    for i, row in enumerate(matrix):
        for j, entry in enumerate(row):
            terms = entry.terms if isinstance(entry, Series) else {constant: entry}
            for frequency, coefficient in terms.items():
                if coefficient != 0:
                    zero = np.zeros((size, size), np.complex128)
                    table.setdefault(frequency, zero)[i, j] = coefficient
    return table


def evaluate(table: Harmonics, params: Sequence[float]) -> ComplexMatrix:
    """The matrix at these parameter values."""
    terms = (np.exp(1j * np.dot(w, params)) * c for w, c in table.items())
    return np.sum(list(terms), axis=0)


def differentiate(table: Harmonics, parameter: int) -> Harmonics:
    """The harmonics of the derivative by one parameter."""
    moving = {w: c for w, c in table.items() if w[parameter]}
    return {w: 1j * w[parameter] * c for w, c in moving.items()}
