"""Factor 15 and 21 by Shor's algorithm with one recycled control qubit.

The inverse Fourier transform is done by measuring the control after every round and
turning it by an angle that depends on the outcomes so far (Griffiths and Niu, Phys.
Rev. Lett. 76, 3228 (1996); Beauregard, Quantum Inf. Comput. 3, 175 (2003)).
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np

import qjit as qj


def multiplication(factor: int, modulus: int, qubits: int) -> Any:
    """The permutation matrix of multiplication modulo N, the identity above N."""
    size = 2**qubits
    images = [factor * x % modulus if x < modulus else x for x in range(size)]
    return np.eye(size)[:, np.argsort(images)]


def order_finding(base: int, modulus: int, bits: int) -> Callable[[], Any]:
    """A compiled function: the distribution of the `bits` bits that are read."""
    qubits = (modulus - 1).bit_length()
    work = range(1, qubits + 1)

    @qj.qjit
    @qj.qnode(wires=qubits + 1)
    def circuit():
        qj.X(qubits)  # the number 1
        outcomes = []
        correction = 0.0
        for position in reversed(range(bits)):
            factor = pow(base, 2**position, modulus)
            qj.H(0)
            matrix = multiplication(factor, modulus, qubits)
            qj.ctrl(qj.QubitUnitary, control=0)(matrix, wires=work)
            qj.PhaseShift(-2 * jnp.pi * correction, wires=0)
            qj.H(0)
            bit = qj.measure(0, reset=True)
            outcomes.insert(0, bit)
            correction = (correction + bit / 2) / 2
        return qj.probs(outcomes)

    return circuit


def order_of(reading: int, bits: int, base: int, modulus: int) -> int | None:
    """The order that a reading tells by its continued fraction, if it does."""
    guess = Fraction(reading, 2**bits).limit_denominator(modulus).denominator
    multiples = (guess * k for k in (1, 2, 3))
    return next((r for r in multiples if pow(base, r, modulus) == 1), None)


def factors(order: int, base: int, modulus: int) -> tuple[int, int] | None:
    """The factors that an even order gives."""
    if order % 2:
        return None
    half = pow(base, order // 2, modulus)
    found = math.gcd(half - 1, modulus), math.gcd(half + 1, modulus)
    return None if modulus in found else found


def main():
    """Find the orders of 7 modulo 15 and of 2 modulo 21, and factor."""
    for base, modulus, bits in ((7, 15, 8), (2, 21, 9)):
        chances = order_finding(base, modulus, bits)()
        likely = [int(reading) for reading in jnp.argsort(-chances)[:4]]
        orders = {order_of(reading, bits, base, modulus) for reading in likely}
        order = min(found for found in orders if found)
        product = " x ".join(map(str, factors(order, base, modulus) or ()))
        print(f"{base} has order {order} modulo {modulus}; {modulus} = {product}")


if __name__ == "__main__":
    main()
