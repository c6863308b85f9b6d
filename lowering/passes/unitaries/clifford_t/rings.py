"""Exact numbers: Z[sqrt 2], and Z[omega] for omega = exp(i pi / 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

SQRT_2 = math.sqrt(2)


@dataclass(slots=True)
class RootTwo:
    """The number a + b sqrt 2 for integers a and b."""

    a: int
    b: int = 0

    def __add__(self, other: RootTwo) -> RootTwo:
        return RootTwo(self.a + other.a, self.b + other.b)

    def __sub__(self, other: RootTwo) -> RootTwo:
        return RootTwo(self.a - other.a, self.b - other.b)

    def __neg__(self) -> RootTwo:
        return RootTwo(-self.a, -self.b)

    def __mul__(self, other: RootTwo) -> RootTwo:
        a, b, c, d = self.a, self.b, other.a, other.b
        return RootTwo(a * c + 2 * b * d, a * d + b * c)

    def __float__(self) -> float:
        return self.a + self.b * SQRT_2

    @property
    def conjugate(self) -> RootTwo:
        """The number where sqrt 2 is -sqrt 2."""
        return RootTwo(self.a, -self.b)

    @property
    def norm(self) -> int:
        """The product with the conjugate."""
        return self.a * self.a - 2 * self.b * self.b

    def quotient(self, other: RootTwo) -> RootTwo | None:
        """Return what times another number is this one, if there is any."""
        norm = other.norm
        top = self * other.conjugate
        (a, more), (b, rest) = divmod(top.a, norm), divmod(top.b, norm)
        return None if more or rest else RootTwo(a, b)

    @property
    def is_negative(self) -> bool:
        """Whether the number is less than zero."""
        a, b = self.a, self.b
        if a >= 0 and b >= 0:
            return False
        if a <= 0 and b <= 0:
            return True
        return (self.norm < 0) == (a > 0)


@dataclass(slots=True)
class Cyclotomic:
    """The number a + b omega + c omega^2 + d omega^3 for integers a to d."""

    a: int
    b: int = 0
    c: int = 0
    d: int = 0

    def __sub__(self, other: Cyclotomic) -> Cyclotomic:
        return Cyclotomic(
            self.a - other.a, self.b - other.b, self.c - other.c, self.d - other.d
        )

    def __add__(self, other: Cyclotomic) -> Cyclotomic:
        return Cyclotomic(
            self.a + other.a, self.b + other.b, self.c + other.c, self.d + other.d
        )

    def __mul__(self, other: Cyclotomic) -> Cyclotomic:
        a, b, c, d = self.a, self.b, self.c, self.d
        e, f, g, h = other.a, other.b, other.c, other.d
        return Cyclotomic(
            a * e - b * h - c * g - d * f,
            a * f + b * e - c * h - d * g,
            a * g + b * f + c * e - d * h,
            a * h + b * g + c * f + d * e,
        )

    def __complex__(self) -> complex:
        real = self.a + (self.b - self.d) / SQRT_2
        return complex(real, self.c + (self.b + self.d) / SQRT_2)

    @property
    def adjoint(self) -> Cyclotomic:
        """The complex conjugate."""
        return Cyclotomic(self.a, -self.d, -self.c, -self.b)

    @property
    def conjugate(self) -> Cyclotomic:
        """The number where sqrt 2 is -sqrt 2: omega is -omega."""
        return Cyclotomic(self.a, -self.b, self.c, -self.d)

    @property
    def square(self) -> RootTwo:
        """The square of the absolute value."""
        a, b, c, d = self.a, self.b, self.c, self.d
        return RootTwo(a * a + b * b + c * c + d * d, a * b + b * c + c * d - d * a)

    @property
    def real(self) -> RootTwo:
        """The real part times sqrt 2."""
        return RootTwo(self.b - self.d, self.a)

    @property
    def imag(self) -> RootTwo:
        """The imaginary part times sqrt 2."""
        return RootTwo(self.b + self.d, self.c)

    @property
    def is_zero(self) -> bool:
        """Whether the number is zero."""
        return not (self.a or self.b or self.c or self.d)


OMEGA = Cyclotomic(0, 1)


def gcd(first: Cyclotomic, second: Cyclotomic) -> Cyclotomic:
    """Return a greatest common divisor, by Euclid's algorithm."""
    while not second.is_zero:
        first, second = second, _remainder(first, second)
    return first


def _remainder(first: Cyclotomic, second: Cyclotomic) -> Cyclotomic:
    """Return what is left of one number after the nearest multiple of another."""
    square = second.square
    other = square.conjugate
    real = Cyclotomic(other.a, other.b, 0, -other.b)
    top, norm = first * second.adjoint * real, square.norm
    half = norm // 2
    nearest = ((x + half) // norm for x in (top.a, top.b, top.c, top.d))
    return first - second * Cyclotomic(*nearest)
