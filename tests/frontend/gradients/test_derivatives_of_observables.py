"""Derivatives of observables after what happens on the way, in every order and mode.

Each case is one kind of observable, whose coefficients are constant, traced or moving,
after one kind of event: so a coefficient that is lost in one of them tells which. The
reference sums over the outcomes in numpy, and its derivatives are differences.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from tests.support.oracle import apply, controlled, derivative, embed
from tests.support.oracle import word_matrix as word

WIRES = 2
MATRIX = np.array([[0.4, 0.3 - 0.2j], [0.3 + 0.2j, -1.1]])
H = np.array([[1, 1], [1, -1]]) / np.sqrt(2)


# Observables: as qjit has them, and as matrices, with two coefficients.
OBSERVABLES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "scaled": (lambda a, b: a * qj.X(0), lambda a, b: a * word("XI")),
    "sum": (
        lambda a, b: a * qj.Z(0) + b * qj.X(1) + 0.3,
        lambda a, b: a * word("ZI") + b * word("IX") + 0.3 * np.eye(4),
    ),
    "product": (
        lambda a, b: (a * qj.Y(0)) @ (qj.Z(1) + b * qj.X(1)),
        lambda a, b: a * (word("YZ") + b * word("YX")),
    ),
    "hadamard": (
        lambda a, b: a * qj.H(0) - b * qj.Y(1),
        lambda a, b: a * np.kron(H, np.eye(2)) - b * word("IY"),
    ),
    "hamiltonian": (
        lambda a, b: qj.Hamiltonian(
            jnp.stack([a * 1.0, b * 1.0]), [qj.Z(0) @ qj.Z(1), qj.H(1)]
        ),
        lambda a, b: a * word("ZZ") + b * np.kron(np.eye(2), H),
    ),
    "pauli_sum": (
        lambda a, b: qj.pauli_sum(jnp.stack([b * 1.0, a * 1.0]), ["XY", "ZI"]),
        lambda a, b: b * word("XY") + a * word("ZI"),
    ),
    "hermitian": (
        lambda a, b: a * qj.Hermitian(MATRIX, 0) @ qj.X(1) + b * qj.Z(0),
        lambda a, b: a * np.kron(MATRIX, word("X")) + b * word("ZI"),
    ),
    "moving matrix": (
        lambda a, b: qj.Hermitian(a * MATRIX, 1) + b * qj.Y(0),
        lambda a, b: a * np.kron(np.eye(2), MATRIX) + b * word("YI"),
    ),
    "projector": (
        lambda a, b: a * qj.Projector([0, 1], [0, 1]) + b * qj.X(0),
        lambda a, b: a * np.diag([0, 1, 0, 0]) + b * word("XI"),
    ),
}
KINDS: dict[str, Callable[[Any, Any], Any]] = {
    "constant": lambda x, w: (2.5, -0.7),
    "traced": lambda x, w: (w[0], w[1]),
    "moving": lambda x, w: (w[0] * x[0], w[1] + x[1] ** 2),
}
EVENTS = ("nothing", "measure", "reset", "postselect", "forward", "loop")


def happens(event: str, x: Any) -> Any:
    """What happens on the way; what a later angle is multiplied with."""
    match event:
        case "measure":
            qj.measure(1)
        case "reset":
            qj.reset(1)
        case "postselect":
            qj.measure(1, postselect=0)
        case "forward":
            return 1.0 + qj.measure(1)
        case "loop":
            return jax.lax.fori_loop(
                0, 2, lambda _, c: (qj.RY(x[0], wires=1), c + qj.measure(1))[1], 0.5
            )
        case _:
            pass
    return 1.0


def circuit(event: str, names: Any, kind: str) -> Any:
    @qj.qnode(wires=WIRES)
    def run(x: Any, w: Any) -> Any:
        qj.RY(x[0], wires=0)
        qj.CRX(x[1] + 0.8, wires=[0, 1])
        qj.RY(x[1] * happens(event, x), wires=0)
        qj.IsingXY(x[0] - 0.3, wires=[0, 1])
        return [qj.expval(OBSERVABLES[name][0](*KINDS[kind](x, w))) for name in names]

    return run


def matrix(axis: str, angle: Any) -> Any:
    """A rotation."""
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * word(axis)


def projected(psi: Any, bit: int, after: int) -> Any:
    """The second wire projected on a bit, and then in another."""
    change = np.zeros((2, 2))
    change[after, bit] = 1.0
    return apply(psi, change, [1])


def outcomes(event: str, x: Any, psi: Any) -> list[tuple[Any, Any]]:
    """States after each outcome, and what the later angle is multiplied with."""
    match event:
        case "measure":
            return [(projected(psi, bit, bit), 1.0) for bit in (0, 1)]
        case "reset":
            return [(projected(psi, bit, 0), 1.0) for bit in (0, 1)]
        case "postselect":
            return [(projected(psi, 0, 0), 1.0)]
        case "forward":
            return [(projected(psi, bit, bit), 1.0 + bit) for bit in (0, 1)]
        case "loop":
            found = [(psi, 0.5)]
            for _ in range(2):
                found = [
                    (projected(apply(each, matrix("Y", x[0]), [1]), bit, bit), c + bit)
                    for each, c in found
                    for bit in (0, 1)
                ]
            return found
        case _:
            return [(psi, 1.0)]


def simulated(event: str, names: Any, kind: str) -> Any:
    def run(x: Any, w: Any) -> Any:
        start = np.eye(4, dtype=complex)[0].reshape(2, 2)
        psi = apply(start, matrix("Y", x[0]), [0])
        psi = apply(psi, controlled(matrix("X", x[1] + 0.8), [1]), [0, 1])
        rho = 0.0
        for each, factor in outcomes(event, x, psi):
            last = apply(each, matrix("Y", x[1] * factor), [0]).reshape(-1)
            half = (x[0] - 0.3) / 2
            turn = np.eye(4, dtype=complex)
            turn[1:3, 1:3] = [
                [np.cos(half), 1j * np.sin(half)],
                [1j * np.sin(half), np.cos(half)],
            ]
            last = embed(turn, [0, 1], WIRES) @ last
            rho = rho + np.outer(last, last.conj())
        rho = rho / np.trace(rho)
        found = [OBSERVABLES[name][1](*KINDS[kind](x, w)) for name in names]
        return np.array([np.trace(each @ rho).real for each in found])

    return run


X = np.array([0.7, -0.4])
WEIGHTS = np.array([1.3, 0.6])
ALONG, ACROSS = np.array([0.8, -0.5]), np.array([0.3, 1.2])


def some(number: int, count: int) -> list[str]:
    """Return some observables, in turn, to save time."""
    names = list(OBSERVABLES)
    return [names[(number * count + n) % len(names)] for n in range(count)]


@pytest.mark.parametrize("event", EVENTS)
def test_first_order(event: str) -> None:
    """Both modes, of coefficients of each kind in turn."""
    number = EVENTS.index(event)
    names, kind = some(number, 3), [*KINDS][(number + number // 3) % 3]
    run, exact = circuit(event, names, kind), simulated(event, names, kind)

    def both(x: Any, w: Any) -> Any:
        def stacked(x: Any) -> Any:
            return jnp.stack(run(x, w))

        return stacked(x), jax.jvp(stacked, (x,), (ALONG,))[1], jax.jacrev(stacked)(x)

    value, forward, backward = qj.qjit(both)(X, WEIGHTS)
    np.testing.assert_allclose(value, exact(X, WEIGHTS), atol=1e-12)
    wanted = derivative(lambda x: exact(x, WEIGHTS), X, ALONG)
    np.testing.assert_allclose(forward, wanted, atol=1e-10)
    np.testing.assert_allclose(backward @ ALONG, wanted, atol=1e-10)
    across = derivative(lambda x: exact(x, WEIGHTS), X, ACROSS)
    np.testing.assert_allclose(backward @ ACROSS, across, atol=1e-10)


def forward_over_forward(f: Any, x: Any) -> Any:
    return jax.jvp(lambda x: jax.jvp(f, (x,), (ALONG,))[1], (x,), (ACROSS,))[1]


def forward_over_reverse(f: Any, x: Any) -> Any:
    return jax.jvp(jax.jacrev(f), (x,), (ALONG,))[1] @ ACROSS


def reverse_over_forward(f: Any, x: Any) -> Any:
    return jax.jacrev(lambda x: jax.jvp(f, (x,), (ALONG,))[1])(x) @ ACROSS


def reverse_over_reverse(f: Any, x: Any) -> Any:
    return jax.jacrev(lambda x: jax.jacrev(f)(x) @ ALONG)(x) @ ACROSS


SECOND = [
    forward_over_forward,
    forward_over_reverse,
    reverse_over_forward,
    reverse_over_reverse,
]


@pytest.mark.parametrize("event", EVENTS[1:5])
def test_second_order(event: str) -> None:
    """Each mode after one event, and of coefficients of each kind in turn."""
    number = EVENTS.index(event)
    mode, kind = SECOND[number % 4], [*KINDS][number % 3]
    names = some(number, 2)
    run, exact = circuit(event, names, kind), simulated(event, names, kind)
    found = qj.qjit(lambda x, w: mode(lambda x: jnp.stack(run(x, w)), x))(X, WEIGHTS)
    wanted = derivative(
        lambda x: derivative(lambda x: exact(x, WEIGHTS), x, ALONG), X, ACROSS
    )
    np.testing.assert_allclose(found, wanted, atol=1e-9)
