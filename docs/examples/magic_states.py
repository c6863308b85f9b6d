"""Distil one good magic state from five noisy ones.

Bravyi and Kitaev, Phys. Rev. A 71, 022316 (2005): project five copies onto the
five-qubit code; what is encoded is then closer to a magic state. The averages over
the noise and over the syndromes are exact.
"""

import math

import jax.numpy as jnp

import qjit as qj

STABILIZERS = ("XZZXI", "IXZZX", "XIXZZ", "ZXIXZ")
DATA, ANCILLA = range(5), 5


def noisy_magic_state(error, wire):
    """Prepare the state with Bloch vector (1, 1, 1)/sqrt(3), or its opposite."""
    qj.RY(2 * jnp.arcsin(jnp.sqrt(error)), wires=ANCILLA)
    qj.cond(qj.measure(ANCILLA, reset=True), qj.X)(wire)
    qj.RY(math.acos(1 / math.sqrt(3)), wires=wire)
    qj.RZ(math.pi / 4, wires=wire)


def syndrome(word, **options):
    """Measure a product of Pauli operators by way of the ancilla."""
    qj.H(ANCILLA)
    for wire, letter in zip(DATA, word, strict=True):
        if letter != "I":
            qj.ctrl(getattr(qj, letter), control=ANCILLA)(wires=wire)
    qj.H(ANCILLA)
    return qj.measure(ANCILLA, reset=True, **options)


@qj.qnode(wires=6)
def distilled(error):
    """The encoded Bloch vector, given that all syndromes are trivial."""
    for wire in DATA:
        noisy_magic_state(error, wire)
    for word in STABILIZERS:
        syndrome(word, postselect=0)
    words = ("X" * 5 + "I", "Y" * 5 + "I", "Z" * 5 + "I")
    return tuple(qj.expval(qj.pauli_sum([1.0], [word])) for word in words)


@qj.qnode(wires=6)
def acceptance(error):
    """The probability that all syndromes are trivial."""
    for wire in DATA:
        noisy_magic_state(error, wire)
    first, second, third, fourth = (syndrome(word) for word in STABILIZERS)
    return qj.expval(~(first | second | third | fourth))


@qj.qjit
def round_of(error):
    """The error after one round, and the probability that it succeeds."""
    x, y, z = distilled(error)
    return (1 + (x + y + z) / math.sqrt(3)) / 2, acceptance(error)


def expected(error: float) -> tuple[float, float]:
    """Equations (15) and (16) of the paper."""
    good = (1 - error) ** 5 + 5 * error**3 * (1 - error) ** 2
    bad = error**5 + 5 * error**2 * (1 - error) ** 3
    return bad / (good + bad), (good + bad) / 6


def main():
    """Show how the error falls, and above which error it grows."""
    for error in (0.02, 0.1, 0.2):
        after, success = round_of(error)
        wanted, chance = expected(error)
        print(
            f"error {error} becomes {after:.5f} (theory {wanted:.5f}), "
            f"accepted with probability {success:.4f} (theory {chance:.4f})"
        )


if __name__ == "__main__":
    main()
