"""Estimate a phase bit by bit with one ancilla, each bit steering the next round.

Iterative phase estimation with feed-forward: Dobsicek et al., Phys. Rev. A 76,
030306 (2007).
"""

import jax
import jax.numpy as jnp

import qjit as qj

BITS = 5


@qj.qjit
@qj.qnode(wires=2)
def estimate(phase):
    """The distribution of the estimate of `phase`, in units of 2 pi / 2**BITS."""
    qj.X(1)  # the eigenstate of PhaseShift with eigenvalue exp(2 pi i phase)
    bits = []
    correction = 0.0
    for position in reversed(range(BITS)):
        qj.H(0)
        turns = phase * 2**position
        qj.ControlledPhaseShift(2 * jnp.pi * turns, wires=[0, 1])
        qj.PhaseShift(-2 * jnp.pi * correction, wires=0)
        qj.H(0)
        bit = qj.measure(0, reset=True)
        bits.insert(0, bit)
        correction = (correction + bit / 2) / 2
    return qj.probs(bits)


def main():
    """Estimate a phase that five bits can hold, and one that they cannot."""
    for phase in (11 / 2**BITS, 0.3):
        distribution = estimate(phase)
        best = int(jax.numpy.argmax(distribution))
        print(
            f"phase {phase:.5f}: most likely {best / 2**BITS:.5f}, "
            f"probability {distribution[best]:.3f}"
        )


if __name__ == "__main__":
    main()
