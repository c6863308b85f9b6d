"""The geometry of quantum functions: Fisher information and natural gradients."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from qjit.errors import ArgumentError, ParameterError
from qjit.jit.qnode import QNode
from qjit.lowering.jax_internals.tracing import user_line
from qjit.measurements.measurements import state

APPROXIMATIONS = (None, "block-diag", "diag")


def metric_tensor(
    function: QNode, argnums: int | Sequence[int] = 0, approx: str | None = None
) -> Callable[..., Any]:
    """Return a function that computes the Fubini-Study metric of the final state.

    It is Re(<d_i psi|d_j psi> - <d_i psi|psi><psi|d_j psi>), of the exact state that
    the function's gates prepare; J. Stokes, J. Izaac, N. Killoran and G. Carleo,
    "Quantum natural gradient", Quantum 4, 269 (2020). It takes one derivative of the
    state for each parameter.

    Args:
        function: a quantum function; what it measures does not matter.
        argnums: the positions of the arguments, which are real.
        approx: "diag" for the diagonal, "block-diag" for blocks that couple the
            parameters of one array only; the rest is zero.

    Returns:
        A function of the same arguments. Its result is shaped as that of
        `jax.hessian`: an argument's shape twice.

    Raises:
        ArgumentError: for anything but a quantum function.
        ParameterError: for another approximation.
        MeasurementError: when called, for a function that samples or measures on the
            way: it has no single state.

    >>> import jax.numpy as jnp
    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(angles):
    ...     qj.RX(angles[0], wires=0)
    ...     qj.RZ(angles[1], wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(qj.metric_tensor(circuit)(jnp.array([jnp.pi / 2, 0.0])).round(3))
    [[0.25 0.  ]
     [0.   0.25]]
    """
    if approx not in APPROXIMATIONS:
        raise ParameterError(
            f"{user_line()}: approx takes 'block-diag', 'diag' or None, but got "
            f"{approx!r}."
        )
    amplitudes = _state_of(function)

    def tensor(*args: Any, **kwargs: Any) -> Any:
        psi = amplitudes(*args, **kwargs)
        moves = jax.jacfwd(amplitudes, argnums)(*args, **kwargs)
        along = jax.tree.map(lambda move: jnp.tensordot(psi.conj(), move, 1), moves)

        def block(first: Any, second: Any, a: Any, b: Any) -> Any:
            inner = jnp.tensordot(first.conj(), second, axes=(0, 0))
            return jnp.real(inner - jnp.multiply.outer(a.conj(), b))

        return _by_blocks(block, approx, moves, along)

    return tensor


def quantum_fisher(
    function: QNode, argnums: int | Sequence[int] = 0, approx: str | None = None
) -> Callable[..., Any]:
    """Return a function that computes the quantum Fisher information of the state.

    For the pure states of a quantum function it is four times the metric tensor: see
    `metric_tensor`, which takes and returns the same.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(angle):
    ...     qj.RX(angle, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{qj.quantum_fisher(circuit)(0.3):.3f}")
    1.000
    """
    metric = metric_tensor(function, argnums, approx)

    def information(*args: Any, **kwargs: Any) -> Any:
        return jax.tree.map(lambda each: 4 * each, metric(*args, **kwargs))

    return information


def classical_fisher(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0
) -> Callable[..., Any]:
    """Return a function that computes the Fisher information of a distribution.

    It is the sum over outcomes of d_i p d_j p / p. Outcomes of probability zero do not
    count: J. J. Meyer, "Fisher information in noisy intermediate-scale quantum
    applications", Quantum 5, 539 (2021).

    Args:
        function: returns probabilities, such as a quantum function that returns
            `probs`, from shots or exact.
        argnums: the positions of the arguments, which are real.

    Returns:
        A function of the same arguments. Its result is shaped as that of
        `jax.hessian`: an argument's shape twice.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(angle):
    ...     qj.RX(angle, wires=0)
    ...     return qj.probs()
    >>> print(f"{qj.classical_fisher(circuit)(0.3):.3f}")
    1.000
    """

    def information(*args: Any, **kwargs: Any) -> Any:
        chances = jnp.ravel(function(*args, **kwargs))
        gradients = jax.jacobian(lambda *a, **k: jnp.ravel(function(*a, **k)), argnums)
        moves = gradients(*args, **kwargs)
        # NOTE: asked so, NaN is not taken for zero.
        none = chances <= jnp.finfo(chances.dtype).eps ** 2
        inverse = jnp.where(none, 0, 1 / jnp.where(none, 1, chances))

        def block(first: Any, second: Any) -> Any:
            return jnp.tensordot((first.T * inverse).T, second, axes=(0, 0))

        return _by_blocks(block, None, moves)

    return information


def natural_gradient(
    function: QNode,
    argnums: int | Sequence[int] = 0,
    *,
    approx: str | None = None,
    regularisation: float = 1e-6,
) -> Callable[..., Any]:
    """Return a function that computes the natural gradient of a quantum function.

    It solves (g + regularisation) x = gradient, where g is the metric tensor.

    Args:
        function: a quantum function that returns a real scalar.
        argnums: the positions of the arguments, which are real.
        approx: as for `metric_tensor`.
        regularisation: what is added to the diagonal of the metric, which has zeros
            where parameters do not move the state.

    Returns:
        A function of the same arguments; its result is shaped as that of `jax.grad`.

    Raises:
        ArgumentError, ParameterError: as `metric_tensor`.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(angle):
    ...     qj.RX(angle, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(f"{qj.natural_gradient(circuit)(0.3):.3f}")  # -4 sin(0.3)
    -1.182
    """
    metric = metric_tensor(function, argnums, approx)

    def direction(*args: Any, **kwargs: Any) -> Any:
        gradients = jax.grad(function, argnums)(*args, **kwargs)
        leaves, tree = jax.tree.flatten(gradients)
        sizes = [np.size(leaf) for leaf in leaves]
        blocks = iter(jax.tree.leaves(metric(*args, **kwargs)))
        rows = [
            jnp.concatenate(
                [next(blocks).reshape(size, other) for other in sizes], axis=1
            )
            for size in sizes
        ]
        whole = jnp.concatenate(rows) + regularisation * jnp.eye(sum(sizes))
        flat = jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])
        parts = jnp.split(jnp.linalg.solve(whole, flat), np.cumsum(sizes)[:-1])
        found = [p.reshape(np.shape(s)) for p, s in zip(parts, leaves, strict=True)]
        return jax.tree.unflatten(tree, found)

    return direction


def _state_of(function: Any) -> QNode:
    """Return a quantum function that returns the state that another one prepares."""
    if not isinstance(function, QNode):
        raise ArgumentError(
            f"{user_line()}: the metric belongs to the state of a quantum function, "
            f"but got {type(function).__name__}. Pass what qjit.qnode made, and "
            "apply qjit.qjit to the result."
        )
    return function.measuring(state)


def _by_blocks(block: Callable[..., Any], approx: str | None, *trees: Any) -> Any:
    """Combine every leaf with every other, as a tree of trees.

    `block` takes two leaves of the first tree, two of the second, and so on.
    """
    columns = [jax.tree.leaves(tree) for tree in trees]
    structure = jax.tree.structure(trees[0])

    def entry(i: int, j: int) -> Any:
        found = block(*(column[n] for column in columns for n in (i, j)))
        if approx is None or (approx == "block-diag" and i == j):
            return found
        if i != j:
            return jnp.zeros_like(found)
        size = columns[0][i][0].size
        return jnp.diag(jnp.diag(found.reshape(size, size))).reshape(found.shape)

    count = len(columns[0])
    rows = [
        jax.tree.unflatten(structure, [entry(i, j) for j in range(count)])
        for i in range(count)
    ]
    return jax.tree.unflatten(structure, rows)
