"""Walk on a circle of sixteen places; a measured coin decides how far to go.

The walker's place is a register of four qubits, moved by an adder. After every
second step the coin is measured, and its outcome, together with the data, sets the
angle of the next toss: a walk that is in part quantum and in part classical.
"""

import jax
import jax.numpy as jnp
import numpy as np

import qjit as qj

PLACE = [1, 2, 3, 4]
SIZE = 2 ** len(PLACE)
FORWARD = np.roll(np.eye(SIZE), 1, axis=0)


def step(angle):
    """Toss the coin on wire 0 and move by one, forward for 1 and back for 0."""
    qj.RY(angle, wires=0)
    qj.ctrl(qj.QubitUnitary, control=0)(FORWARD, wires=PLACE)
    qj.ctrl(qj.QubitUnitary, control=0, control_values=0)(FORWARD.T, wires=PLACE)


@qj.qjit
@qj.qnode(wires=5)
def walk(data):
    """The distribution of the walker's place after two steps for each datum."""
    qj.BasisState([1, 0, 0, 0], wires=PLACE)  # place 8

    def toss(angle, datum):
        step(angle)
        step(angle)
        heads = qj.measure(0)
        return jnp.where(heads, datum, jnp.pi / 2), heads

    jax.lax.scan(toss, jnp.pi / 2, data)
    return qj.probs(PLACE)


def main():
    """Draw the distribution for three data."""
    for place, chance in enumerate(walk(jnp.array([0.4, 1.2, 2.0]))):
        print(f"{place:2d} {chance:.4f} {'#' * round(100 * float(chance))}")


if __name__ == "__main__":
    main()
