"""Teleport an unknown state: two classical bits steer the correction.

Bennett et al., Phys. Rev. Lett. 70, 1895 (1993). The expectation values are exact
averages over the four outcomes, so they equal those of the state that was sent.
"""

import jax
import jax.numpy as jnp

import qjit as qj


def prepare(angles, wire):
    """Prepare the state to be sent."""
    qj.Rot(*angles, wires=wire)


def bloch_vector(wire):
    """The expectation values of X, Y and Z, which tell all about one qubit."""
    return qj.expval(qj.X(wire)), qj.expval(qj.Y(wire)), qj.expval(qj.Z(wire))


@qj.qnode(wires=1)
def sent(angles):
    """The Bloch vector of the state to be sent."""
    prepare(angles, 0)
    return bloch_vector(0)


@qj.qnode(wires=3)
def received(angles):
    """The Bloch vector of the state that arrives, averaged over the outcomes."""
    prepare(angles, 0)
    qj.H(1)
    qj.CNOT(wires=[1, 2])

    qj.CNOT(wires=[0, 1])
    qj.H(0)
    phase, flip = qj.measure(0), qj.measure(1)

    qj.cond(flip, qj.X)(2)
    qj.cond(phase, qj.Z)(2)
    return bloch_vector(2)


@qj.qjit
def both(angles):
    """Sent and received Bloch vectors, of shape (3,) each."""
    return jnp.array(sent(angles)), jnp.array(received(angles))


def main():
    """Teleport a few states."""
    for key in jax.random.split(jax.random.key(0), 3):
        angles = jax.random.uniform(key, (3,), maxval=6.28)
        before, after = both(angles)
        print(f"sent {before.round(4)}, received {after.round(4)}")


if __name__ == "__main__":
    main()
