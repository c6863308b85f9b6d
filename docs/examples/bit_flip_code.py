"""Keep a bit in three qubits for a hundred rounds of noise and correction.

Each round flips every qubit with a small probability, measures two parities, and lets
a classical decoder say which qubit to flip back. The whole memory is one compiled
program, sampled shot by shot.
"""

import math

import jax
import jax.numpy as jnp

import qjit as qj

ROUNDS, SHOTS = 100, 2000
DATA, ANCILLA = range(3), 3
NOBODY = 3
DECODER = jnp.array([NOBODY, 0, 2, 1])  # by the parities of wires (0, 1) and (1, 2)


def flip_at_random(probability):
    """Flip each data qubit with the given probability."""
    for wire in DATA:
        qj.RY(2 * jnp.arcsin(jnp.sqrt(probability)), wires=ANCILLA)
        qj.cond(qj.measure(ANCILLA, reset=True), qj.X)(wire)


def parity(first, second):
    """Measure whether two qubits differ."""
    qj.CNOT(wires=[first, ANCILLA])
    qj.CNOT(wires=[second, ANCILLA])
    return qj.measure(ANCILLA, reset=True)


@qj.qjit
@qj.qnode(wires=4, shots=SHOTS, seed=3)
def memory(probability):
    """The data bits at the end, which began as zeros, and the mean corrections."""

    def one_round(flips, _):
        flip_at_random(probability)
        guilty = DECODER[parity(0, 1) + 2 * parity(1, 2)]
        qj.cond(guilty != NOBODY, qj.X)(jnp.minimum(guilty, 2))
        return flips + (guilty != NOBODY), None

    flips, _ = jax.lax.scan(one_round, 0, None, length=ROUNDS)
    return qj.sample(wires=DATA), qj.expval(flips)


def failure(probability: float) -> float:
    """The probability of an odd number of rounds with two or three flips."""
    wrong = 3 * probability**2 - 2 * probability**3
    return (1 - (1 - 2 * wrong) ** ROUNDS) / 2


def main():
    """Compare the memory with a bare qubit."""
    for probability in (0.005, 0.02):
        bits, flips = memory(probability)
        lost = jnp.mean(jnp.sum(bits, axis=1) > 1)
        bare = (1 - (1 - 2 * probability) ** ROUNDS) / 2
        spread = math.sqrt(failure(probability) / SHOTS)
        print(
            f"flip probability {probability}: lost {lost:.4f} (theory "
            f"{failure(probability):.4f} +- {spread:.4f}), a bare qubit {bare:.2f}; "
            f"{flips:.2f} corrections a shot"
        )


if __name__ == "__main__":
    main()
