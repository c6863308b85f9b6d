"""Solutions of t* t = xi in Z[omega] for numbers xi of Z[sqrt 2] (arXiv:1403.2975, C).

A prime of Z divides the norm of xi. In Z[omega] it is a product of primes, which are
found as common divisors of it and a number whose norm it divides.
"""

from __future__ import annotations

import math
from functools import lru_cache

from qjit.runtime.recent import MOST

from .rings import Cyclotomic, RootTwo, gcd

SMALL = tuple(p for p in range(2, 256) if all(p % q for q in range(2, p)))
# With these bases the test of Miller and Rabin decides for numbers below 3.3e24.
BASES = SMALL[:13]
# The steps after which a factor is not looked for any more.
MOST_STEPS = 20_000
# 1 + sqrt 2, of which all units of Z[sqrt 2] are powers up to the sign.
UNIT, INVERSE_SQUARE = Cyclotomic(1, 1, 0, -1), RootTwo(3, -2)
INVERSE_UNIT, SQUARE = Cyclotomic(-1, 1, 0, -1), RootTwo(3, 2)
ONE = RootTwo(1)


def solve_norm_equation(xi: RootTwo) -> Cyclotomic | None:
    """Return t with t* t = xi, or None if there is none, or its factors are not found.

    The number and its conjugate are not negative.
    """
    if not (xi.a or xi.b):
        return Cyclotomic(0)
    primes = _prime_factors(xi.norm)
    if primes is None:
        return None
    t, left = Cyclotomic(1), xi
    for prime in primes:
        for factor in _factors_of_prime(prime):
            square = factor.square
            while (rest := left.quotient(square)) is not None:
                t, left = t * factor, rest
    if left.norm != 1:
        return None
    while left != ONE:  # an even power of the unit
        if left.b > 0:
            t, left = t * UNIT, left * INVERSE_SQUARE
        else:
            t, left = t * INVERSE_UNIT, left * SQUARE
    return t


@lru_cache(MOST)
def _factors_of_prime(prime: int) -> tuple[Cyclotomic, ...]:
    """Return numbers f for which f* f is a prime of Z[sqrt 2], or a square of one."""
    match prime % 8:
        case 1:
            root = _power_of_nonresidue(prime, 8)
            found = gcd(Cyclotomic(prime), Cyclotomic(-root, 1))
            return found, found.conjugate
        case 3:
            root = pow(-2, (prime + 1) // 4, prime)
            return (gcd(Cyclotomic(prime), Cyclotomic(-root, 1, 0, 1)),)
        case 5:
            root = _power_of_nonresidue(prime, 4)
            return (gcd(Cyclotomic(prime), Cyclotomic(-root, 0, 1)),)
        case 7:
            root = pow(2, (prime + 1) // 4, prime)
            found = gcd(Cyclotomic(prime), Cyclotomic(-root, 1, 0, -1))
            return found, found.conjugate
        case _:
            return (Cyclotomic(1, 1),)


def _power_of_nonresidue(prime: int, order: int) -> int:
    """Return a root of unity of an order modulo a prime."""
    for base in range(2, prime):
        if pow(base, (prime - 1) // 2, prime) == prime - 1:
            return pow(base, (prime - 1) // order, prime)
    raise ValueError(f"{prime} is no prime")


def _prime_factors(number: int) -> set[int] | None:
    """Return the primes that divide a norm; None if there is no solution, or too hard.

    A prime that is 7 modulo 8 has to come in even powers; so if what is left after
    others is 7 modulo 8, one does not.
    """
    found: set[int] = set()
    for prime in SMALL:
        power = 0
        while not number % prime:
            number //= prime
            power += 1
        if power:
            found.add(prime)
            if prime % 8 == 7 and power % 2:
                return None
    if number % 8 == 7:
        return None
    waiting = [number]
    while waiting:
        each = waiting.pop()
        if each == 1:
            continue
        if _is_prime(each):
            found.add(each)
            continue
        divisor = _divisor(each)
        if divisor is None:
            return None
        waiting += [divisor, each // divisor]
    return found


def _is_prime(number: int) -> bool:
    """Tell whether an odd number without small factors is prime (Miller and Rabin)."""
    if number < SMALL[-1] ** 2:
        return True
    twos = (number - 1 & 1 - number).bit_length() - 1
    odd = number - 1 >> twos
    return all(_passes(number, pow(base, odd, number), twos) for base in BASES)


def _passes(number: int, power: int, twos: int) -> bool:
    if power in (1, number - 1):
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def _divisor(number: int) -> int | None:
    """Return a divisor of a composite number, by Pollard's rho, if it is soon found."""
    root = math.isqrt(number)
    if root * root == number:
        return root
    for shift in (1, 3):
        if (found := _rho(number, shift)) is not None:
            return found
    return None


def _rho(number: int, shift: int) -> int | None:
    """Return a divisor by the period of x^2 + shift, if it is soon found."""
    slow = fast = 2
    product = 1
    for step in range(1, MOST_STEPS):
        slow = (slow * slow + shift) % number
        fast = (fast * fast + shift) % number
        fast = (fast * fast + shift) % number
        product = product * (slow - fast) % number
        if step % 32 == 0 or not product:
            divisor = math.gcd(product, number)
            if divisor != 1:
                return divisor if divisor != number else None
    return None
