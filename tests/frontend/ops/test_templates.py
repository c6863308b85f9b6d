"""Gates, templates and preparations over random arguments, against PennyLane's."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

import qjit as qj
from qjit.errors import MeasurementError, ParameterError, QJitError, StateError
from qjit.ops.operations import FIXED_ARITY_GATES

ORDER = ["a", 1, 0, "b"]
LABELS = ["b", 0, "a", 1]
GATES = [n for n in FIXED_ARITY_GATES if hasattr(qml, n) and n != "GlobalPhase"]
POWERS: Any = (-1, 0.5, 2, -1.7)


def assert_same(ours: Any, theirs: Any, atol: float = 1e-10) -> None:
    wanted: Any = qml.matrix(theirs, wire_order=ORDER)
    found = qj.matrix(ours, wire_order=ORDER)
    np.testing.assert_allclose(found, wanted, atol=atol)


@pytest.mark.parametrize("name", GATES)
def test_gates_by_position_and_by_name(name: str) -> None:
    gate, wanted = getattr(qj, name), getattr(qml, name)
    names = [p for p in inspect.signature(gate).parameters if p not in ("wires", "id")]
    rng = np.random.default_rng(len(name))
    on = LABELS[: wanted.num_wires or 1]
    angles = rng.uniform(-1.5, 1.5, len(names))
    theirs = wanted(*angles, wires=on)
    assert_same(gate(*angles, on), theirs)
    assert_same(gate(**dict(zip(names, angles, strict=True)), wires=on), theirs)
    for z in POWERS:
        assert_same(qj.pow(gate(*angles, on), z=z), qml.pow(theirs, z=z))


UNITARY = np.linalg.qr(np.arange(16).reshape(4, 4) ** 1.5 % 7 + 1j * np.eye(4))[0]
OPERATORS: list[Callable[[Any], Any]] = [
    lambda m: m.MultiRZ(theta=1.2, wires=[0, "a", 1]),
    lambda m: m.PauliRot(1.2, "XYI", wires=["b", 1, 0]),
    lambda m: m.PauliRot(theta=1.2, pauli_word="II", wires=["b", 1]),
    lambda m: m.PCPhase(1.2, 3, ["b", 1]),
    lambda m: m.PCPhase(phi=1.2, dim=0, wires=["b"]),
    lambda m: m.MultiControlledX([0, 1, "a"], [False, True]),
    lambda m: m.MultiControlledX(wires=[0, 1], control_values=[0], work_wires=[5]),
    lambda m: m.QubitUnitary(UNITARY, wires=["b", 0], unitary_check=True),
    lambda m: m.DiagonalQubitUnitary(np.exp(1j * np.arange(4)), wires=["b", 0]),
    lambda m: m.ControlledQubitUnitary(UNITARY, wires=["b", 0, 1], control_values=[0]),
    lambda m: m.ControlledQubitUnitary(base=UNITARY, wires=[1, "b", 0, "a"]),
    lambda m: m.Identity(wires=[0, 1]),
    lambda m: m.Identity(),
    lambda m: m.GlobalPhase(phi=0.4),
    lambda m: m.GlobalPhase(0.4, wires=[0]),
    lambda m: m.Hermitian(A=np.array([[1, 2j], [-2j, 3]]), wires=0),
    lambda m: m.Projector([1, 0], wires=[0, "b"]),
    lambda m: m.ctrl(m.GlobalPhase(0.4), control=[0, "b"], control_values=[1, 0]),
]


@pytest.mark.parametrize("case", range(len(OPERATORS)))
def test_other_gates_and_their_powers(case: int) -> None:
    make = OPERATORS[case]
    assert_same(make(qj), make(qml))
    if make(qj).name not in ("Hermitian", "Projector"):
        assert_same(qj.adjoint(make(qj)), qml.adjoint(make(qml)))
        # NOTE: PennyLane's powers of operators without wires are numbers.
        for z in POWERS[:3] if make(qj).wires else ():
            assert_same(qj.pow(make(qj), z), qml.pow(make(qml), z))


A: Any = np.array([[1.0, 2j], [-2j, 0.3]])
SUMS: dict[str, Callable[[Any], Any]] = {
    "two": lambda m: m.X(0) + 0.5 * m.Z(0),
    "three": lambda m: 0.3 * m.X(0) + 0.5 * m.Z(0) @ m.X(1) + m.Y(1),
    "hamiltonian": lambda m: m.Hamiltonian([0.3, -0.7], [m.X(0), m.Z(0) @ m.Y(1)]),
    "dot": lambda m: m.dot([0.3, -0.7, 1.0], [m.X(0), m.Z(0) @ m.Y("a"), m.Y(0)]),
    "like_words": lambda m: m.X(0) + m.Z(0) + 0.5 * m.X(0),
    "multiple": lambda m: 2 * (m.X(0) + m.Z(0) + 0.5 * m.X(0)),
    "nested": lambda m: m.sum(m.sum(m.X(0), m.Z(0)), m.Y(0)),
    "multiple_inside": lambda m: m.X(0) + 2 * (m.Y(0) + m.Z(0)),
    "hamiltonians": lambda m: (
        m.Hamiltonian([0.3, 0.7], [m.X(0), m.Z(0)])
        + m.Hamiltonian([0.2, 0.1], [m.Y(0), m.X(0)])
    ),
    "mixed": lambda m: m.Y(0) + -2 * m.Hamiltonian([0.3, 0.7], [m.X(0), m.Z(0)]),
    "identity": lambda m: m.X(0) + 0.4 * m.I(0) + m.Z(0),
    "number": lambda m: m.X(0) + 0.4 + m.Z(0),
    "hermitian": lambda m: m.X(0) + 0.5 * m.Hermitian(A, 1) + m.Hermitian(A.real, 0),
    "projector": lambda m: m.X(0) + 0.5 * m.Projector([1], wires=0),
    "hadamard": lambda m: m.X(0) + 0.5 * m.Hadamard(0),
    "sums": lambda m: m.Hamiltonian([0.3, 0.7], [m.X(0) + m.Y(0), m.Z(0)]),
    "products": lambda m: (m.X(0) + m.Z(0)) @ m.Z("b") + m.Y(0),
}
OPTIONS: list[dict[str, Any]] = [{}, {"n": 3, "order": 2}, {"order": 4, "n": 1}]


@pytest.mark.parametrize("name", SUMS)
def test_product_formulas_take_any_sum_in_its_order(name: str) -> None:
    make = SUMS[name]
    for options in OPTIONS:
        ours = qj.TrotterProduct(make(qj), 0.7, **options)
        assert_same(ours, qml.TrotterProduct(make(qml), 0.7, **options))
    ours = qj.adjoint(qj.TrotterProduct(hamiltonian=make(qj), time=0.7))
    assert_same(ours, qml.adjoint(qml.TrotterProduct(make(qml), time=0.7)))
    if name not in ("hermitian", "projector", "hadamard", "identity", "number"):
        theirs = qml.ApproxTimeEvolution(make(qml), 0.3, 2)
        assert_same(qj.ApproxTimeEvolution(make(qj), 0.3, n=2), theirs)


def test_product_formulas_are_values() -> None:
    ours = qj.TrotterProduct(SUMS["dot"](qj), 0.7, order=2)
    leaves, tree = jax.tree.flatten(ours)
    assert len(leaves) == 2
    doubled = jax.tree.unflatten(tree, [leaves[0], 2 * leaves[1]])
    assert_same(doubled, qml.TrotterProduct(SUMS["dot"](qml), 1.4, order=2))
    assert ours == qj.TrotterProduct(SUMS["dot"](qj), 0.7, order=2) != doubled
    assert repr(ours).endswith("time=0.7, n=1, order=2)")
    assert_same(
        qj.evolve(SUMS["two"](qj), 0.3), qml.evolve(SUMS["two"](qml), 0.3), 1e-6
    )


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: qj.TrotterProduct(qj.X(0) + qj.Z(0), 0.1, order=3), ParameterError),
        (lambda: qj.TrotterProduct(qj.X(0) + qj.Z(0), 0.1, n=0), ParameterError),
        (lambda: qj.TrotterProduct(qj.X(0) + qj.Z(0), 0.1, n=1.5), ParameterError),
        (lambda: qj.TrotterProduct(2.0, 0.1), QJitError),
        (lambda: qj.TrotterProduct(qj.S(0) + qj.Z(0), 0.1).matrix(), MeasurementError),
        (lambda: qj.ApproxTimeEvolution(qj.X(0), 0.1, 0), ParameterError),
    ],
)
def test_product_formulas_that_do_not_exist(make: Any, error: Any) -> None:
    with pytest.raises(error, match=r"test_templates.py:\d+: "):
        make()


RNG = np.random.default_rng(5)
ANGLES, ROTATIONS = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3, 3))
TEMPLATES: list[Callable[[Any], Any]] = [
    lambda m: m.AngleEmbedding([0.1, 0.2], [0, 1, "a"], "Y"),
    lambda m: m.AngleEmbedding(features=ANGLES[0], wires=[1, 0, "a"], rotation="Z"),
    lambda m: m.BasicEntanglerLayers(ANGLES, [0, 1, "a"]),
    lambda m: m.BasicEntanglerLayers(weights=ANGLES[:, :2], wires=["b", 0]),
    lambda m: m.BasicEntanglerLayers(ANGLES[:, :1], [0], rotation=m.RY),
    lambda m: m.StronglyEntanglingLayers(ROTATIONS, [0, 1, "a"]),
    lambda m: m.StronglyEntanglingLayers(ROTATIONS[:, :1], ["a"]),
    lambda m: m.StronglyEntanglingLayers(
        weights=ROTATIONS, wires=[0, 1, "a"], ranges=[2, 4], imprimitive=m.CZ
    ),
    lambda m: m.QFT(["a", 1, 0]),
    lambda m: m.ctrl(m.QFT(wires=[0, 1]), control="b", control_values=0),
    lambda m: m.adjoint(m.StronglyEntanglingLayers(ROTATIONS[:, :2], [0, 1])),
    lambda m: m.pow(m.QFT([0, 1]), z=0.5),
    lambda m: m.GroverOperator([0, "b", 1], work_wires=[5]),
    lambda m: m.ctrl(m.GroverOperator(wires=[1, 0]), control=["a"]),
    lambda m: m.BasisState([1, 0, 1], [0, 1, "a"]),
    lambda m: m.BasisState(5, wires=["b", 1, 0]),
    lambda m: m.ctrl(m.TrotterProduct(m.X(0) + m.Y(0), 0.3), control=[1]),
]


@pytest.mark.parametrize("case", range(len(TEMPLATES)))
def test_templates(case: int) -> None:
    make = TEMPLATES[case]
    assert_same(make(qj), make(qml), 1e-6)


# Preparations


def prepared(function: Callable[..., Any], *args: Any) -> Any:
    @qj.qnode(wires=3)
    def circuit(*values: Any) -> Any:
        function(*values)
        return qj.state()

    return np.asarray(circuit(*args))


STATE = np.array([0.6, 0.8j])
VECTORS: list[Callable[[Any], Any]] = [
    lambda m: m.AmplitudeEmbedding([3.0, 1.0, 2.0], [0, 1], pad_with=0.5),
    lambda m: m.AmplitudeEmbedding(
        features=np.arange(1, 5), wires=[1, 0], normalize=True, validate_norm=True
    ),
    lambda m: m.StatePrep(STATE, [0, 1], 0.0),
    lambda m: m.StatePrep(state=2 * STATE, wires=[1, 0], pad_with=1j),
    lambda m: m.StatePrep(np.full(4, 0.5), [0, 1], None, False),
]


@pytest.mark.parametrize("case", range(len(VECTORS)))
def test_state_preparations(case: int) -> None:
    make = VECTORS[case]
    wanted = np.ravel(make(qml).state_vector(wire_order=[0, 1, 2]))
    np.testing.assert_allclose(prepared(lambda: make(qj)), wanted, atol=1e-6)


def test_basis_states_of_integers_that_are_computed() -> None:
    @qj.qjit
    def states(numbers: Any) -> Any:
        @qj.qnode(wires=3)
        def circuit(number: Any) -> Any:
            qj.BasisState(number, wires=[2, 0])
            return qj.probs()

        return jax.lax.map(circuit, numbers)

    places = [0, 4, 1, 5]  # bit 0 of the integer is wire 0, bit 1 is wire 2
    found = states(jnp.arange(4, dtype=jnp.int8))
    np.testing.assert_allclose(found, np.eye(8)[places], atol=1e-6)
    for wrong in (4, -1):
        with pytest.raises(StateError, match="takes an integer from 0 to 3"):
            jax.block_until_ready(states(jnp.array([0, 0, 0, wrong], jnp.int8)))
    for wrong in (8, -1, 2**70):
        with pytest.raises(StateError, match="takes an integer from 0 to 7"):
            prepared(lambda wrong=wrong: qj.BasisState(wrong, wires=[0, 1, 2]))


def test_derivatives_of_product_formulas() -> None:
    @qj.qnode(wires=2)
    def energy(coefficients: Any, time: Any) -> Any:
        terms = [qj.X(0) @ qj.Z(1), qj.Z(0), qj.Hermitian(A, 1)]
        qj.RY(0.4, 1)
        qj.TrotterProduct(qj.dot(coefficients, terms), time, n=2, order=2)
        return qj.expval(qj.Y(0) @ qj.Y(1))

    point = jnp.array([0.3, 0.7, -0.2]), 0.6
    found = jax.grad(energy, argnums=(0, 1))(*point)
    wanted = qj.grad(energy, argnums=(0, 1), method="fd", h=1e-2)(*point)
    np.testing.assert_allclose(found[0], wanted[0], atol=2e-3)
    np.testing.assert_allclose(found[1], wanted[1], atol=2e-3)


def test_differences_of_functions() -> None:
    def plain(x: Any, y: Any) -> Any:
        return jnp.sum(jnp.sin(x["a"]) * y) + x["b"] ** 2

    point = {"a": jnp.array([0.3, 0.7]), "b": jnp.float32(0.5)}, jnp.array([1.0, 2.0])
    tangents = {"a": jnp.array([1.0, -1.0]), "b": jnp.float32(2.0)}
    for argnums in ((0, 1), -1):
        found = qj.grad(plain, argnums, method="fd")(*point)
        wanted = jax.grad(plain, argnums)(*point)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, 2e-3), found, wanted)
    value, slope = qj.jvp(plain, point, (tangents,), method="fd", argnums=0)
    wanted = jax.jvp(lambda x: plain(x, point[1]), point[:1], (tangents,))
    np.testing.assert_allclose((value, slope), wanted, rtol=1e-2)
    value, (pulled,) = qj.vjp(plain, point, 2.0, method="fd", h=1e-2, argnums=[1])
    np.testing.assert_allclose(value, plain(*point), rtol=1e-6)
    np.testing.assert_allclose(pulled, 2 * np.sin(point[0]["a"]), rtol=2e-3)
    rows = qj.jacobian(lambda x: jnp.cos(x), method="fd")(point[1])
    np.testing.assert_allclose(rows, np.diag(-np.sin(point[1])), atol=2e-3)
    value, slope = qj.value_and_grad(lambda x: x**3, method="fd")(2.0)
    np.testing.assert_allclose((value, slope), (8.0, 12.0), rtol=2e-3)
