"""Cut a graph with QAOA; the whole optimisation is one compiled loop.

Farhi, Goldstone and Gutmann, arXiv:1411.4028. The gradient is taken inside the
compiled program, at every step of the loop.
"""

from itertools import product

import jax
import jax.numpy as jnp

import qjit as qj

EDGES = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (0, 3), (1, 4), (2, 5)]
WIRES = 6
LAYERS = 4


@qj.qnode(wires=WIRES)
def expected_cut(angles):
    """The expected number of cut edges, for angles of shape (LAYERS, 2)."""
    for wire in range(WIRES):
        qj.H(wire)

    def layer(_, pair):
        for edge in EDGES:
            qj.IsingZZ(-pair[0], wires=edge)
        for wire in range(WIRES):
            qj.RX(2 * pair[1], wires=wire)
        return None, None

    jax.lax.scan(layer, None, angles)
    zz = [qj.Z(a) @ qj.Z(b) for a, b in EDGES]
    ones = jnp.full(len(EDGES), -0.5)
    return len(EDGES) / 2 + qj.expval(qj.Hamiltonian(ones, zz))


@qj.qjit
def optimize(angles):
    """Climb for 200 steps; returns the angles and the cuts on the way."""

    def step(state, _):
        angles, velocity = state
        cut, slope = jax.value_and_grad(expected_cut)(angles)
        velocity = 0.9 * velocity + 0.01 * slope
        return (angles + velocity, velocity), cut

    start = angles, jnp.zeros_like(angles)
    (angles, _), cuts = jax.lax.scan(step, start, None, length=200)
    return angles, cuts


def largest_cut() -> int:
    """The largest cut, by trying all."""
    sides = product((0, 1), repeat=WIRES)
    return max(sum(side[a] != side[b] for a, b in EDGES) for side in sides)


def main():
    """Optimise from a linear ramp."""
    ramp = (jnp.arange(LAYERS) + 0.5) / LAYERS
    start = jnp.stack([0.6 * ramp, 0.6 * (1 - ramp)], axis=1)
    _, cuts = optimize(start)
    print(f"expected cut {cuts[0]:.3f} before, {cuts[-1]:.3f} after", end="; ")
    print(f"the largest cut has {largest_cut()} edges")


if __name__ == "__main__":
    main()
