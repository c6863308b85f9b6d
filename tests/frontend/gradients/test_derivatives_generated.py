"""Derivatives of generated programs are differences of the same program on matrices.

Structure, differentiated leaves, tangents and cotangents are drawn at random.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.dialects.gates import GATES
from tests.support.oracle import (
    Compiled,
    Reference,
    derivative,
    differentiable,
    random_state,
    random_unitary,
    word_matrix,
)

WIRES = 3
LEAVES = ("angles", "scale", "matrix", "diagonal", "amplitudes", "weights", "hermitian")
WORDS = ["ZXI", "IYZ", "III"]
NAMES = [
    record.name
    for record in GATES.values()
    if record.num_params and record.in_library and 1 <= (record.num_wires or 9) <= WIRES
]


def arguments(seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(2, 2)) + 1j * random.normal(size=(2, 2))
    found: dict[str, Any] = {
        "angles": random.normal(size=3),
        "scale": random.normal(),
        "matrix": random_unitary(1, seed),
        "diagonal": np.exp(1j * random.normal(size=4)),
        "amplitudes": random_state(1, seed),
        "weights": random.normal(size=len(WORDS)),
        "hermitian": mixed + mixed.conj().T,
    }
    found["angles"][0] += np.sign(found["angles"][0])  # far from where branches change
    return jax.tree.map(np.asarray, found)


# Programs: functions that take what applies gates, the arguments, and an angle.
Program = Callable[[Any, Any, Any], None]


@dataclass(frozen=True)
class Gate:
    name: str
    wires: Sequence[int]
    leaf: int

    def __call__(self, m: Any, x: Any, angle: Any) -> None:
        record = GATES[self.name]
        given = [
            angle * (n + 1) + m.numpy.sin(x["angles"][self.leaf] * x["scale"])
            for n in range(record.num_params)
        ]
        getattr(m, self.name)(*given, wires=list(self.wires[: record.num_wires]))


@dataclass(frozen=True)
class Matrix:
    leaf: str
    wires: Sequence[int]

    def __call__(self, m: Any, x: Any, angle: Any) -> None:
        if self.leaf == "matrix":
            m.QubitUnitary(x["matrix"], wires=[self.wires[0]])
        else:
            m.DiagonalQubitUnitary(x["diagonal"], wires=list(self.wires[:2]))


@dataclass(frozen=True)
class Wrapped:
    """Under a control that the body does not use, inverted, looped or chosen."""

    kind: str
    bodies: Sequence[Sequence[Program]]

    def __call__(self, m: Any, x: Any, angle: Any) -> None:
        def body(number: int, angle: Any = angle) -> None:
            for each in self.bodies[number]:
                each(m, x, angle)

        match self.kind:
            case "adjoint":
                m.adjoint(lambda: body(0))
            case "loop":

                def turn(_: Any, angle: Any) -> Any:
                    body(0, angle)
                    return m.numpy.cos(angle) + x["scale"]

                m.loop(2, turn, angle)
            case _:
                m.branch(x["angles"][0] > 0, lambda: body(0), lambda: body(1))


@dataclass(frozen=True)
class Controlled:
    name: str
    wires: Sequence[int]
    value: int

    def __call__(self, m: Any, x: Any, angle: Any) -> None:
        control, target = self.wires[:2]
        apply = getattr(m, self.name)
        m.ctrl(lambda: apply(angle * x["scale"], wires=target), [control], [self.value])


WIRE_ORDERS = st.permutations(range(WIRES))
SIMPLE = st.one_of(
    st.builds(Gate, st.sampled_from(NAMES), WIRE_ORDERS, st.integers(0, 2)),
    st.builds(Matrix, st.sampled_from(["matrix", "diagonal"]), WIRE_ORDERS),
    st.builds(
        Controlled,
        st.sampled_from(["RX", "RY", "PhaseShift"]),
        WIRE_ORDERS,
        st.integers(0, 1),
    ),
)


def wrapped(inner: Any) -> Any:
    bodies = st.tuples(*(st.lists(inner, min_size=1, max_size=2),) * 2)
    kinds = st.sampled_from(["adjoint", "loop", "branch"])
    return st.builds(Wrapped, kinds, bodies)


PROGRAMS = st.lists(st.recursive(SIMPLE, wrapped, max_leaves=3), min_size=1, max_size=4)


def applied(m: Any, program: Sequence[Program], x: Any, *, prepares: bool) -> None:
    if prepares:
        m.StatePrep(x["amplitudes"], wires=[1])
    for wire in range(WIRES):
        m.RY(0.4 + 0.3 * wire, wires=wire)
    for each in program:
        each(m, x, x["angles"][1])
    m.CNOT(wires=[0, 1])
    m.CNOT(wires=[1, 2])


def hermitian(x: Any) -> Any:
    """A Hermitian matrix, whichever way the argument moves."""
    return (x["hermitian"] + x["hermitian"].conj().T) / 2


def observable(x: Any) -> Any:
    mixed = qj.Hermitian(hermitian(x), wires=1) @ qj.X(2)
    return qj.pauli_sum(x["weights"], WORDS) + mixed


def dense(x: Any) -> Any:
    words = [w * word_matrix(word) for w, word in zip(x["weights"], WORDS, strict=True)]
    flip = np.array([[0, 1], [1, 0]])
    return sum(words) + np.kron(np.eye(2), np.kron(hermitian(x), flip))


def reduced(psi: Any) -> Any:
    rows = psi.reshape(4, 2)
    return rows @ rows.conj().T


def spread(psi: Any, x: Any) -> Any:
    # Moments as they are, so that states need not be normalised.
    first, second = (
        np.vdot(psi, m @ psi).real for m in (dense(x), dense(x) @ dense(x))
    )
    return second - first**2


MEASURED: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "expval": (
        lambda x: qj.expval(observable(x)),
        lambda psi, x: np.vdot(psi, dense(x) @ psi).real,
    ),
    "var": (lambda x: qj.var(observable(x)), spread),
    "probs": (
        lambda x: qj.probs([2, 0]),
        lambda psi, x: np.sum(np.abs(psi.reshape(2, 2, 2)) ** 2, axis=1).T.reshape(4),
    ),
    "state": (lambda x: qj.state(), lambda psi, x: psi),
    "density_matrix": (
        lambda x: qj.density_matrix([0, 1]),
        lambda psi, x: reduced(psi),
    ),
    "purity": (
        lambda x: qj.purity([0, 1]),
        lambda psi, x: np.sum(np.abs(reduced(psi)) ** 2),
    ),
}


def both(
    program: Sequence[Program], kinds: Sequence[str], prepares: bool
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The program as a quantum function, and on matrices."""

    @qj.qnode(wires=WIRES)
    def circuit(x: Any) -> Any:
        applied(Compiled(), program, x, prepares=prepares)
        return [MEASURED[kind][0](x) for kind in kinds]

    def simulated(x: Any) -> Any:
        m = Reference(np)
        applied(m, program, x, prepares=prepares)
        return [MEASURED[kind][1](m.state(WIRES), x) for kind in kinds]

    return circuit, simulated


def like(tree: Any, seed: int) -> Any:
    """Random numbers in the shapes and dtypes of others."""
    random = np.random.default_rng(seed)

    def one(leaf: Any) -> Any:
        real, imaginary = random.normal(size=(2, *np.shape(leaf)))
        return real + 1j * imaginary if np.iscomplexobj(leaf) else real

    return jax.tree.map(one, tree)


def of_some(
    function: Callable[..., Any], x: dict[str, Any], leaves: Sequence[str]
) -> Callable[..., Any]:
    """The function of some of the arguments."""
    return lambda some: function({**x, **some})


def assert_close(found: Any, wanted: Any, tolerance: float = 1e-9) -> None:
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    for mine, theirs in pairs:
        np.testing.assert_allclose(mine, theirs, atol=tolerance, rtol=1e-9)


def flat(tree: Any) -> Any:
    """All numbers of a tree."""
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def along(function: Callable[..., Any], tangent: Any) -> Callable[..., Any]:
    """The derivative of all results along a tangent, by differences."""

    def run(some: Any) -> Any:
        def moved(step: Any) -> Any:
            return jax.tree.map(lambda leaf, t: leaf + step * t, some, tangent)

        return derivative(lambda step: flat(function(moved(step))), 0.0)

    return run


MOVING = st.lists(st.sampled_from(LEAVES), min_size=1, max_size=4, unique=True)
KINDS = st.lists(st.sampled_from(list(MEASURED)), min_size=1, max_size=2, unique=True)


@settings(max_examples=9, deadline=None, derandomize=True)
@given(PROGRAMS, KINDS, MOVING, st.booleans(), st.integers(0, 2**16))
def test_first_order(
    program: Sequence[Program],
    kinds: Sequence[str],
    leaves: Sequence[str],
    prepares: bool,
    seed: int,
) -> None:
    x = arguments(seed)
    some = {leaf: x[leaf] for leaf in leaves}
    circuit, simulated = (of_some(f, x, leaves) for f in both(program, kinds, prepares))
    expected = simulated(some)
    cotangent, tangent = like(expected, seed + 1), like(some, seed + 2)
    value, moved = jax.jvp(circuit, (some,), (tangent,))
    wanted = along(simulated, tangent)(some)
    assert_close(value, expected)
    assert_close(flat(moved), wanted)
    pulled = qj.qjit(lambda some, c: jax.vjp(circuit, some)[1](c))(some, cotangent)[0]
    for direction in (tangent, like(some, seed + 3), like(some, seed + 4)):
        slope = flat(cotangent) @ along(simulated, direction)(some)
        assert_close((flat(pulled) @ flat(direction)).real, slope.real)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(PROGRAMS, KINDS, MOVING, st.booleans(), st.integers(0, 2**16))
def test_second_order(
    program: Sequence[Program],
    kinds: Sequence[str],
    leaves: Sequence[str],
    prepares: bool,
    seed: int,
) -> None:
    x = arguments(seed)
    some = {leaf: x[leaf] for leaf in leaves}
    circuit, simulated = (of_some(f, x, leaves) for f in both(program, kinds, prepares))
    cotangent, tangent = like(simulated(some), seed + 1), like(some, seed + 2)

    def gradient(some: Any) -> Any:
        return jax.vjp(circuit, some)[1](cotangent)[0]

    found = qj.qjit(lambda some: jax.jvp(gradient, (some,), (tangent,)))(some)
    for direction in (tangent, like(some, seed + 3)):
        first = along(simulated, direction)
        for mine, theirs in zip(found, (first, along(first, tangent)), strict=True):
            slope = (flat(cotangent) @ theirs(some)).real
            assert_close((flat(mine) @ flat(direction)).real, slope, 1e-8)


def ladder(m: Any, t: Any) -> Any:
    for wire in range(WIRES):
        m.RY(t[wire], wires=wire)
    m.CRX(t[0] * t[1], wires=[0, 2])
    m.IsingXY(t[2], wires=[1, 2])
    return m.expval([1.0, 0.5], ["ZXI", "IYX"])


@differentiable
def energy(t: Any) -> Any:
    return ladder(Reference(np), t)


@qj.qnode(wires=WIRES)
def circuit(t: Any) -> Any:
    return ladder(Compiled(), t)


NESTINGS: dict[str, Callable[[Any], Any]] = {
    "vmap of grad": lambda f: jax.vmap(jax.grad(f)),
    "grad of vmap": lambda f: jax.grad(lambda s: jnp.sum(jnp.sin(jax.vmap(f)(s)))),
    "jit of vmap of grad": lambda f: jax.jit(jax.vmap(jax.grad(f))),
    "vmap of jit of grad": lambda f: jax.vmap(jax.jit(jax.grad(f))),
    "vmap of grad of jit": lambda f: jax.vmap(jax.grad(jax.jit(f))),
    "vmap of jacfwd of jacrev": lambda f: jax.vmap(jax.jacfwd(jax.jacrev(f))),
    "jacrev of vmap of jacfwd": lambda f: jax.jacrev(jax.vmap(jax.jacfwd(f))),
    "jacfwd of grad of vmap": lambda f: jax.jacfwd(
        jax.grad(lambda s: jnp.sum(jax.vmap(f)(s) ** 2))
    ),
    "vmap of vmap of grad": lambda f: (
        lambda s: jax.vmap(jax.vmap(jax.grad(f)))(jnp.stack([s, 2 * s]))
    ),
    "grad of scan": lambda f: jax.grad(
        lambda s: jax.lax.scan(lambda c, t: (jnp.sin(c + f(t)), None), jnp.ones(()), s)[
            0
        ]
    ),
    "grad of checkpoint": lambda f: jax.vmap(jax.grad(jax.checkpoint(f))),
    "linearize": lambda f: lambda s: jax.linearize(jax.vmap(f), s)[1](jnp.cos(s)),
    "linear transpose": lambda f: (
        lambda s: jax.linear_transpose(jax.linearize(jax.vmap(f), s)[1], s)(
            jnp.ones(len(s))
        )
    ),
}


@pytest.mark.parametrize("name", NESTINGS)
def test_nesting(name: str) -> None:
    compiled = list(NESTINGS).index(name) % 2 == 0  # in turn, to save time
    stack = jnp.array([[0.3, 0.5, 0.7], [0.1, -0.4, 0.9]])
    mine = NESTINGS[name](circuit)
    found = (qj.qjit(mine) if compiled else mine)(stack)
    assert_close(found, NESTINGS[name](energy)(stack))
