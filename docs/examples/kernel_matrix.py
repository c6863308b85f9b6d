"""Classify points with a quantum kernel: one circuit, mapped over all pairs.

The kernel of two points is the squared overlap of the states that embed them
(Havlicek et al., Nature 567, 209 (2019)); `jax.vmap` makes the matrix of all pairs,
and a ridge regression on it is compiled into the same program.
"""

import jax
import jax.numpy as jnp

import qjit as qj

WIRES = 2


def embed(point):
    """Embed a point of the plane."""
    for _ in range(2):
        for wire in range(WIRES):
            qj.H(wire)
            qj.RZ(2 * point[wire], wires=wire)
        qj.IsingZZ(2 * (jnp.pi - point[0]) * (jnp.pi - point[1]), wires=range(WIRES))


@qj.qnode(wires=WIRES)
def overlap(x, y):
    """The squared overlap of the states of two points."""
    embed(x)
    qj.adjoint(embed)(y)
    return qj.expval(qj.Projector([0] * WIRES, wires=range(WIRES)))


def kernel(points, others):
    """The kernel of all pairs, of shape (points, others)."""
    row = jax.vmap(overlap, in_axes=(None, 0))
    return jax.vmap(row, in_axes=(0, None))(points, others)


@qj.qjit
def classify(points, labels, queries):
    """Train on labelled points and return the scores of the queries."""
    gram = kernel(points, points) + 1e-2 * jnp.eye(len(points))
    weights = jnp.linalg.solve(gram, labels)
    return kernel(queries, points) @ weights


def main():
    """Tell the inside of a circle from its outside."""
    points = jax.random.uniform(jax.random.key(1), (60, 2), minval=0.5, maxval=2.5)
    labels = jnp.where(jnp.sum((points - 1.5) ** 2, axis=1) < 0.6, 1.0, -1.0)
    scores = classify(points[:40], labels[:40], points[40:])
    right = jnp.mean(jnp.sign(scores) == labels[40:])
    print(f"{right:.0%} of {len(scores)} new points are classified right")


if __name__ == "__main__":
    main()
