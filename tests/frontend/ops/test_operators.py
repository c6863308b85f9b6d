"""Operators as values: their algebra and matrices, and where they are applied."""

import copy
import math
import operator as signs
import pickle
import random
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import cloudpickle
import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
import scipy.linalg

import qjit as qj
from qjit.errors import (
    MeasurementError,
    OutsideQNodeError,
    ParameterError,
    ParameterTypeError,
    QJitError,
    UnsupportedError,
    WireError,
)

WIRES = ["a", 7, 0]
PENNYLANE: Any = qml
QJIT: Any = qj
A = np.array([[1.0, 0.5 - 0.2j], [0.5 + 0.2j, -0.3]])
B = np.diag([1.0, 2.0, -0.5, 0.25])
X, Z = np.array([[0, 1], [1, 0]]), np.diag([1.0, -1.0])


def leaf(m: Any, rng: random.Random) -> Any:
    """A gate or an observable, in qjit or in PennyLane."""
    first, second = rng.sample(WIRES, 2)
    kinds: list[Callable[[], Any]] = [
        lambda: m.X(first),
        lambda: m.Y(first),
        lambda: m.Z(first),
        lambda: m.Identity(first),
        lambda: m.Hadamard(first),
        lambda: m.S(first),
        lambda: m.RX(rng.random(), wires=first),
        lambda: m.CNOT(wires=[first, second]),
        lambda: m.IsingXY(rng.random(), wires=[first, second]),
        lambda: m.MultiRZ(rng.random(), wires=[first, second]),
        lambda: m.Hermitian(A, wires=first),
        lambda: m.Hermitian(B, wires=[first, second]),
        lambda: m.Projector([1, 0], wires=[first, second]),
        lambda: m.adjoint(m.SX(first)),
        lambda: m.ctrl(m.RY(rng.random(), wires=first), second, control_values=[0]),
    ]
    return rng.choice(kinds)()


def expression(m: Any, rng: random.Random, depth: int) -> Any:
    """A sum, a product, a multiple or a power of others."""
    if depth == 0:
        return leaf(m, rng)
    kind = rng.randrange(5)
    left = expression(m, rng, depth - 1)
    if kind == 0:
        return left + expression(m, rng, depth - 1)
    if kind == 1:
        return left @ expression(m, rng, depth - 1)
    if kind == 2:
        return rng.choice([-0.5, 2, 1j]) * left
    if kind == 3:
        return left - expression(m, rng, depth - 1) + 0.25
    return m.pow(left, rng.choice([0, 2, 3]))


@pytest.mark.parametrize("seed", range(120))
def test_matrices_of_expressions_are_those_of_pennylane(seed: int) -> None:
    ours, theirs = (expression(m, random.Random(seed), 1 + seed % 3) for m in (qj, qml))
    wanted = np.asarray(PENNYLANE.matrix(theirs, wire_order=WIRES))
    np.testing.assert_allclose(ours.matrix(WIRES), wanted, atol=1e-10)
    simple = ours.simplify()
    if set(simple.wires) <= set(WIRES):
        np.testing.assert_allclose(simple.matrix(WIRES), wanted, atol=1e-10)
    dense = qj.Hermitian(np.eye(8), WIRES)  # so that all wires are there
    form = (ours @ dense).linear_form()
    total = sum(
        number * term_matrix(term, form.matrices)
        for number, term in zip(form.coefficients, form.terms, strict=True)
    )
    np.testing.assert_allclose(total, wanted, atol=1e-10)
    np.testing.assert_allclose(
        qj.adjoint(ours).matrix(WIRES), wanted.conj().T, atol=1e-10
    )
    leaves, tree = jax.tree.flatten(ours)
    assert jax.tree.unflatten(tree, leaves) == ours == copy.deepcopy(ours)
    assert hash(jax.tree.unflatten(tree, leaves)) == hash(ours)
    assert pickle.loads(pickle.dumps(ours)) == ours


LAYERS = np.linspace(0.1, 1.2, 6)
EVERY_KIND: dict[str, Callable[[Any, Any], Any]] = {
    "gate": lambda x, i: qj.CRX(x, [i, 0]),
    "word": lambda x, i: qj.PauliRot(x, "XY", [i, 0]),
    "control": lambda x, i: qj.ctrl(qj.QFT([i, 0]), control=[i + 1]),
    "matrix": lambda x, i: qj.QubitUnitary(jnp.eye(2) * x / x, i),
    "observable": lambda x, i: qj.Hermitian(jnp.eye(2) * x, i),
    "sum": lambda x, i: qj.Hamiltonian(jnp.stack([x, 1.0]), [qj.X(i), qj.Z(0)]),
    "power": lambda x, i: qj.adjoint(qj.RX(x, i) @ qj.Y(0)) ** 3,
    "exponential": lambda x, i: qj.exp(qj.X(i), 1j * x),
    "formula": lambda x, i: qj.TrotterProduct(x * qj.X(i) + qj.Z(0), 0.1),
    "template": lambda x, i: qj.BasicEntanglerLayers(
        x * LAYERS.reshape(2, 3), [2, 0, i]
    ),
    "preparation": lambda x, i: qj.StatePrep(jnp.stack([x, 0.0]) / x, i),
}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_every_kind_is_a_pytree_and_is_pickled(kind: str) -> None:
    """Also with a traced wire: JAX ends the process where a structure changes."""
    made, same = jax.jit(EVERY_KIND[kind]), jax.jit(lambda op: op)
    op = [made(0.3, 1), made(0.5, 2), made(0.3, 1)][-1]
    leaves, tree = jax.tree.flatten(op)
    for equal in (
        same(op),
        same(op),
        pickle.loads(pickle.dumps(op)),
        copy.deepcopy(op),
    ):
        assert jax.tree.structure(equal) == tree and equal == op
        assert hash(equal) == hash(op) and repr(equal) == repr(op)
    for stands in (object(), None, 0, "x"):
        kept = jax.tree.unflatten(tree, [stands] * len(leaves))
        assert jax.tree.leaves(kept, is_leaf=lambda x: x is None) == [stands] * len(
            leaves
        )
    several = jax.vmap(EVERY_KIND[kind])(jnp.asarray([0.3, 0.5]), jnp.asarray([1, 2]))
    first = jax.jit(lambda ops: jax.lax.scan(lambda n, o: (n + 1, o), 0, ops))(several)
    assert jax.tree.structure(first[1]) == jax.tree.structure(several)
    assert repr(several)


def term_matrix(term: Any, matrices: Any) -> Any:
    whole = np.eye(8, dtype=complex)
    for wire, letter in term.word:
        whole = whole @ getattr(qj, letter)(wire).matrix(WIRES)
    for number, wires in term.factors:
        operator = qj.Hermitian(np.eye(2 ** len(wires)), wires)
        object.__setattr__(operator, "given", matrices[number])
        whole = whole @ operator.matrix(WIRES)
    return whole


def test_eigenvalues() -> None:
    np.testing.assert_allclose((qj.X(0) + qj.Z(0)).eigvals(), [-(2**0.5), 2**0.5])
    np.testing.assert_allclose(np.sort_complex(qj.S(0).eigvals()), [1j, 1])
    assert qj.Hermitian(A, 0).eigvals().dtype == np.float64


def test_equality_is_of_the_operators_and_not_of_their_spelling() -> None:
    assert qj.X(0) + qj.X(0) == 2 * qj.X(0) != qj.X(1)
    assert qj.X(0) @ qj.Y(1) == qj.Y(1) @ qj.X(0)
    assert qj.X(0) @ qj.Y(0) != qj.Y(0) @ qj.X(0)
    assert qj.RX(0.3, 0) + qj.S(1) == qj.S(1) + qj.RX(0.3, 0) != qj.RX(0.4, 0)
    assert qj.Hamiltonian([1.0, 2.0], [qj.X(0), qj.S(1)]) == 1.0 * qj.X(0) + 2 * qj.S(1)
    assert len({qj.Z("a"), 1 * qj.Z("a"), qj.Z("b")}) == 2
    assert qj.Hermitian(A, 0) == qj.Hermitian(A, 0) != qj.Hermitian(A, 1)


def test_anticommutators_and_squares_are_real() -> None:
    x, y = qj.X(0) @ qj.Y(1), qj.Y(0) @ qj.Z(1)
    hamiltonian = 0.5 * qj.X(0) + 1.5 * qj.Y(0) @ qj.Z(1) + 0.1

    @qj.qnode(wires=2)
    def circuit(angle: Any) -> Any:
        qj.RX(angle, 0)
        qj.RY(0.4, 1)
        qj.CNOT([0, 1])
        anti = x @ y + y @ x
        overlapping = qj.Hermitian(A, 0) @ qj.X(0) + qj.X(0) @ qj.Hermitian(A, 0)
        return tuple(
            qj.expval(each) for each in (anti, hamiltonian @ hamiltonian, overlapping)
        )

    def gates(angle: Any) -> Any:
        return qml.RX(angle, 0), qml.RY(0.4, 1), qml.CNOT([0, 1])

    state = np.asarray(PENNYLANE.matrix(gates, [0, 1])(0.7))[:, 0]
    dense = [
        (x @ y + y @ x).matrix([0, 1]),
        np.linalg.matrix_power(hamiltonian.matrix([0, 1]), 2),
        np.kron(A @ X + X @ A, np.eye(2)),
    ]
    wanted = [np.vdot(state, each @ state).real for each in dense]
    np.testing.assert_allclose(circuit(0.7), wanted, atol=1e-6)


# Inside and outside of quantum functions


def probabilities(function: Callable[[], Any], wires: Any = 2) -> Any:
    @qj.qnode(wires=wires)
    def circuit() -> Any:
        function()
        return qj.probs()

    return np.asarray(circuit())


def unused_statement() -> None:
    _ = qj.X(0) @ qj.X(1)


def operator_of_outside(op: qj.Operator) -> Callable[[], Any]:
    return lambda: qj.apply(op)


APPLIED: dict[str, tuple[Callable[[], Any], int]] = {
    "product": (unused_statement, 3),
    "product_of_used": (lambda: (qj.expval(qj.X(0) @ qj.Z(1)), None)[1], 0),
    "outside": (operator_of_outside(qj.X(1)), 1),
    "outside_product": (operator_of_outside(qj.X(0) @ qj.X(1)), 3),
    "outside_template": (operator_of_outside(qj.BasisState([1, 0], [0, 1])), 2),
    "outside_sum": (operator_of_outside((qj.X(0) + qj.Z(0)) * math.sqrt(0.5)), -1),
    "outside_minus": (operator_of_outside(-qj.X(0)), 2),
    "controlled": (lambda: (qj.X(0), qj.ctrl(qj.X(1), 0)), 3),
    "controlled_product": (lambda: (qj.X(0), qj.ctrl(qj.X(1) @ qj.I(1), 0)), 3),
    "adjoint_template": (lambda: qj.adjoint(qj.QFT([0, 1])), -2),
    "controlled_template": (
        lambda: qj.ctrl(qj.BasicEntanglerLayers([[3.0]], [1]), 0),
        0,
    ),
    "power": (lambda: qj.X(0) ** 3, 2),
    "exponential": (lambda: qj.exp(qj.X(0), -0.5j * math.pi), 2),
    "nested": (lambda: qj.adjoint(qj.ctrl(qj.adjoint(qj.X(1)), 0)), 0),
}


@pytest.mark.parametrize("name", APPLIED)
def test_what_is_applied(name: str) -> None:
    function, basis_state = APPLIED[name]
    found = probabilities(function)
    if basis_state == -1:
        wanted = np.array([0.5, 0, 0.5, 0])
    elif basis_state == -2:
        wanted = np.full(4, 0.25)
    else:
        wanted = np.eye(4)[basis_state]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_factors_act_where_the_product_is_made_the_last_one_first() -> None:
    def product() -> None:
        a = qj.S(0)
        qj.H(0)
        _ = a @ qj.RX(0.3, 0) @ qj.T(1)

    def plain() -> None:
        qj.H(0)
        qj.T(1)
        qj.RX(0.3, 0)
        qj.S(0)

    np.testing.assert_allclose(
        qj.matrix(product)(), qj.matrix(plain, [0, 1])(), atol=1e-6
    )


def test_operators_of_inner_functions() -> None:
    @jax.jit
    def layer() -> None:
        kept = qj.X(0)
        qj.ctrl(kept, 1)
        qj.X(1)

    def twice() -> None:
        layer()
        layer()

    np.testing.assert_allclose(probabilities(twice), np.eye(4)[2], atol=1e-6)
    np.testing.assert_allclose(probabilities(twice), np.eye(4)[2], atol=1e-6)

    def in_a_loop() -> None:
        def body(i: Any, _: None) -> None:
            qj.adjoint(qj.RX(jnp.pi * i, 0))

        jax.lax.fori_loop(0, 2, body, None)

    np.testing.assert_allclose(probabilities(in_a_loop), np.eye(4)[2], atol=1e-6)


def test_an_operator_of_an_inner_function_cannot_be_taken_back() -> None:
    def circuit() -> None:
        inside: list[Any] = []
        qj.adjoint(lambda: inside.append(qj.X(0)))()
        qj.ctrl(inside[0], 1)

    with pytest.raises(UnsupportedError, match=r"test_operators.py:\d+: an operator"):
        probabilities(circuit)


@pytest.mark.parametrize(
    "statement",
    [
        lambda: 0.5 * qj.X(0),
        lambda: qj.X(0) + qj.Y(1),
        lambda: qj.Hermitian(A, 0),
        lambda: qj.exp(qj.X(0), 0.5),
        lambda: qj.Hamiltonian([1.0], [qj.X(0)]),
        lambda: (2 * qj.X(0)) @ qj.Y(1),
    ],
)
def test_operators_that_are_left_over_are_refused(
    statement: Callable[[], Any],
) -> None:
    with pytest.raises(MeasurementError, match="neither measured nor part"):
        probabilities(statement)


@pytest.mark.parametrize(
    "statement",
    [
        lambda: qml.RX(0.3, wires=0),
        lambda: qml.adjoint(qml.QFT)(wires=[0, 1]),
        lambda: qml.expval(qml.Z(0)),
    ],
)
def test_operators_of_pennylane_are_not_lost(statement: Callable[[], Any]) -> None:
    with pytest.raises(UnsupportedError, match=r"test_operators.py:\d+: .*PennyLane"):
        probabilities(statement)


def test_operators_are_arguments_and_results() -> None:
    hamiltonian = 0.5 * qj.Z(0) + qj.dot([1.5], [qj.X(0) @ qj.X(1)])

    @qj.qnode(wires=2)
    def energy(angle: Any, observable: Any) -> Any:
        qj.RX(angle, 0)
        qj.CNOT([0, 1])
        return qj.expval(observable)

    slopes = jax.grad(energy, argnums=1)(0.3, hamiltonian)
    assert isinstance(slopes, qj.Operator)
    found = np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(slopes)])
    np.testing.assert_allclose(found, [math.cos(0.3), 0.0], atol=1e-6)

    @qj.qjit
    def scaled(factor: Any, observable: Any) -> Any:
        return factor * observable, energy(0.3, factor * observable)

    operator, value = scaled(2.0, hamiltonian)
    assert operator == 2.0 * hamiltonian
    np.testing.assert_allclose(value, math.cos(0.3), atol=1e-6)

    rows = jax.vmap(lambda c: energy(0.3, c * qj.Z(0)))(jnp.arange(3.0))
    np.testing.assert_allclose(rows, np.arange(3) * math.cos(0.3), atol=1e-6)
    carried, _ = jax.lax.scan(lambda o, _: (2.0 * o, None), 1.0 * qj.Z(0), length=3)
    assert carried == 8.0 * qj.Z(0)


def test_module_level_hamiltonians_built_in_loops() -> None:
    total: Any = sum(0.1 * n * qj.Z(n) @ qj.Z((n + 1) % 4) for n in range(4))
    assert len(total.wires) == 4
    assert qj.sum(*(0.1 * n * qj.Z(n) @ qj.Z((n + 1) % 4) for n in range(4))) == total
    matrix = total.matrix(range(4))
    np.testing.assert_allclose(np.diag(np.diag(matrix)), matrix)
    assert np.array([1.0, 2.0]) * qj.Z(0) is not None
    np.testing.assert_array_equal(
        [
            op == k * qj.Z(0)
            for k, op in zip((1, 2), jnp.arange(1, 3) * qj.Z(0), strict=True)
        ],
        True,
    )


def test_angles_outside_of_quantum_functions() -> None:
    with pytest.raises(OutsideQNodeError):
        qj.qjit(lambda t: (qj.RX(t, 0), t)[1])(0.3)
    with pytest.raises(OutsideQNodeError):
        qj.qjit(lambda t: (qj.adjoint(qj.RX)(t, 0), t)[1])(0.3)
    operator = jax.jit(lambda t: qj.RX(2 * t, 0))(0.3)
    np.testing.assert_allclose(operator.parameters, [0.6], rtol=1e-6)


def test_matrices_of_functions() -> None:
    def circuit(angle: Any) -> None:
        qj.RX(angle, "b")
        jax.lax.fori_loop(0, 2, lambda i, _: (qj.T("a"), None)[1], None)

    found = qj.matrix(circuit)(0.3)
    wanted = np.kron(qj.RX(0.3, 0).matrix(), qj.S(0).matrix())
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    slope = jax.jacobian(lambda t: qj.matrix(circuit, ["b", "a"])(t).real)(0.3)
    np.testing.assert_allclose(slope[0, 0], -0.5 * math.sin(0.15), atol=1e-6)


GENERATED = ["RX", "RY", "PhaseShift", "IsingXX", "IsingXY", "CRX", "SingleExcitation"]


@pytest.mark.parametrize("name", GENERATED)
def test_generators_generate(name: str) -> None:
    record = qj.dialects.gates.GATES[name]
    wires = list(range(record.num_wires or 1))
    gate = getattr(qj, name)(0.37, wires=wires)
    operator, factor = qj.generator(gate)
    matrix = qj.exp(operator, 0.37j * factor).matrix(wires)
    np.testing.assert_allclose(matrix, gate.matrix(), atol=1e-10)
    whole = qj.generator(getattr(qj, name), "observable")(0.37, wires=wires)
    assert qj.simplify(whole) == qj.simplify(factor * operator)


def test_gates_without_a_generator_are_refused() -> None:
    for gate in (qj.X(0), qj.Rot(0.1, 0.2, 0.3, 0), qj.X(0) @ qj.X(1)):
        with pytest.raises(UnsupportedError, match="no generator"):
            qj.generator(gate)


def test_pauli_decomposition() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8))
    wires = ["x", "y", "z"]
    found = qj.pauli_decompose(matrix, wire_order=wires, check_hermitian=False)
    np.testing.assert_allclose(found.matrix(["x", "y", "z"]), matrix, atol=1e-12)
    assert str(qj.pauli_decompose(np.diag([3.0, 1.0]))) == "2 * I(0) + 1 * Z(0)"
    traced = jax.jit(lambda m: qj.pauli_decompose(m).parameters[0])(jnp.eye(2))
    np.testing.assert_allclose(traced, [1, 0, 0, 0], atol=1e-7)


def test_commutation_and_groups_are_those_of_pennylane() -> None:
    rng = random.Random(5)
    words = ["".join(rng.choice("IXYZ") for _ in range(4)) for _ in range(12)]

    def of(m: Any, word: str) -> Any:
        letters = [
            getattr(m, letter)(n) for n, letter in enumerate(word) if letter != "I"
        ]
        return m.prod(*letters) if letters else m.I(0)

    for left, right in pairwise(words):
        ours = qj.is_commuting(of(qj, left), of(qj, right))
        assert ours == qml.is_commuting(of(qml, left), of(qml, right))
    assert not qj.is_commuting(qj.RX(0.1, 0), qj.RY(0.1, 0))
    assert qj.is_commuting(qj.RX(0.1, 0), qj.X(0) @ qj.RZ(0.2, 1))
    operators = [of(qj, word) for word in words if word != "IIII"]
    for kind in ("qwc", "commuting", "anticommuting"):
        groups = qj.group_observables(operators, grouping_type=kind)
        assert sum(map(len, groups)) == len(operators)
        pairs = [(a, b) for group in groups for a in group for b in group if a is not b]
        fits = [qj.is_commuting(a, b) for a, b in pairs]
        assert not any(fits) if kind == "anticommuting" else all(fits)
    groups, numbers = qj.group_observables(operators, range(len(operators)))
    for group, places in zip(groups, numbers, strict=True):
        assert [operators[n] for n in places] == group


def test_mistakes_are_errors_that_name_the_line() -> None:
    mistakes: list[tuple[type[QJitError], Callable[[], Any]]] = [
        (WireError, lambda: (qj.X(0) @ qj.X(1)).matrix(wire_order=[0])),
        (WireError, lambda: qj.ctrl(qj.X(0), control=0)),
        (ParameterTypeError, lambda: QJIT.sum(qj.X(0), 2)),
        (ParameterTypeError, lambda: QJIT.s_prod(qj.X(0), 2)),
        (ParameterTypeError, lambda: QJIT.matrix(3)),
        (ParameterTypeError, lambda: qj.ctrl(2.0 * qj.X(0), 1)),
        (QJitError, lambda: qj.X(0) ** (1 + 2j)),
        (QJitError, lambda: qj.generator(qj.RX(0.1, 0), "other")),
        (QJitError, lambda: qj.group_observables([qj.X(0) + qj.Z(0)])),
        (ParameterError, lambda: qj.group_observables([qj.X(0)], [1.0, 2.0])),
        (ParameterError, lambda: qj.group_observables([qj.X(0)], method="rlf")),
        (QJitError, lambda: qj.pauli_decompose(np.eye(3))),
        (OutsideQNodeError, lambda: qj.apply(qj.X(0))),
    ]
    for kind, mistake in mistakes:
        with pytest.raises(kind, match=r"test_operators.py:\d+: "):
            mistake()


OPERANDS: dict[str, Callable[[], Any]] = {
    "text": lambda: qj.X(0) + "1",
    "text before": lambda: "1" - qj.X(0),
    "number": lambda: qj.X(0) @ 2,
    "matrix": lambda: np.eye(2) @ qj.X(0),
    "none": lambda: qj.X(0) * None,
    "boolean": lambda: True * qj.X(0),
    "fraction": lambda: Fraction(1, 2) * qj.X(0),
    "list": lambda: [1, 2] * qj.X(0),
    "function": lambda: qj.X(0) - qj.Z,
    "divided": lambda: 2 / qj.X(0),
    "power": lambda: 2 ** qj.X(0),
    "zero": lambda: qj.X(0) / 0,
    "zeros": lambda: qj.X(0) / np.array([1.0, 0.0]),
    "pennylane": lambda: qj.X(0) + qml.Z(0),
    "pennylane before": lambda: qml.Z(0) @ qj.X(0),
}


@pytest.mark.parametrize("name", OPERANDS)
def test_what_is_no_operand_is_refused(name: str) -> None:
    kind = ParameterError if name.startswith("zero") else ParameterTypeError
    with pytest.raises(kind, match=r"test_operators.py:\d+: "):
        OPERANDS[name]()


def test_empty_sums_and_products_everywhere() -> None:
    zero, one = qj.sum(), qj.prod()
    zeros, ones = np.zeros((2, 2)), np.eye(2)
    for made, wanted in (
        (zero, zeros),
        (zero + qj.X(0), qj.X(0).matrix()),
        (zero @ qj.X(0), zeros),
        (QJIT.exp(zero, 1j), ones),
        (zero**0, ones),
        (2 * one, 2 * ones),
        (qj.adjoint(one), ones),
        (QJIT.dot([], []), zeros),
    ):
        np.testing.assert_allclose(made.matrix(wire_order=[0]), wanted, atol=1e-12)
    assert zero.eigvals() == [0] and one.eigvals() == [1]


def test_operators_and_functions_pickle() -> None:
    operators = [
        qj.RX(0.3, "a") @ qj.Y(1) + 2 * qj.X(0),
        qj.ctrl(qj.QFT([0, 1]), control=2),
        qj.StronglyEntanglingLayers(np.ones((1, 2, 3)), [0, 1], imprimitive=qj.CZ),
        qj.StatePrep([0.6, 0.8], 0),
        qj.adjoint(qj.BasicEntanglerLayers(np.ones((1, 2)), [0, 1], rotation=qj.RY)),
        qj.TrotterProduct(qj.X(0) + qj.Z(0), 0.3),
    ]
    for operator in operators:
        for pickler in (pickle, cloudpickle):
            copied = pickler.loads(pickler.dumps(operator))
            assert copied == operator
            if not operator.name.startswith("StatePrep"):
                matrix = operator.matrix()
                np.testing.assert_allclose(copied.matrix(), matrix, atol=1e-6)
    for name in ("RX", "PauliX", "Identity", "I", "QFT", "StatePrep", "expval"):
        function = getattr(qj, name)
        assert pickle.loads(pickle.dumps(function)) is function


def test_generators_of_exponentials() -> None:
    for base in (qj.X(0), qj.X(0) @ qj.Z(1), 0.5 * qj.Y(0) + qj.Z(1)):
        found, number = qj.generator(QJIT.exp(base, -0.3j))
        exact = scipy.linalg.expm(-0.3j * number * found.matrix())
        np.testing.assert_allclose(QJIT.exp(base, -0.3j).matrix(), exact, atol=1e-9)
    with pytest.raises(UnsupportedError, match="no generator"):
        qj.generator(QJIT.exp(qj.X(0), 0.3))


@pytest.mark.parametrize("other", ["1", None, [1], True, qml.Z(1), np.array(["a"])])
@pytest.mark.parametrize("sign", ["add", "sub", "mul", "truediv", "matmul", "pow"])
def test_expressions_that_operators_do_not_take(sign: str, other: Any) -> None:
    combine = getattr(signs, sign)
    for pair in ((qj.X(0), other), (other, qj.X(0))):
        with pytest.raises(QJitError, match=r"test_operators.py:\d+: "):
            combine(*pair)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, jnp.int8, jnp.uint8])
def test_narrow_integers_do_not_wrap_around(kind: Any) -> None:
    hundred, z = kind(100), qj.Z(0)
    square = qj.Hermitian(np.diag([20, 0]).astype(kind), 0)
    found: list[tuple[Any, float]] = [
        (hundred * (hundred * z), 1e4),
        (3 * (hundred * z), 300),
        (-1 * (hundred * z), -100),
        ((hundred * z) @ (hundred * qj.Z(1)), 1e4),
        (z - hundred, -99),
        (hundred - z, 99),
        (square @ square - square, 380),
    ]
    for made, wanted in found:
        assert np.real(made.matrix()[0, 0]) == wanted
        assert np.real(made.simplify().matrix()[0, 0]) == wanted

    @qj.qnode(wires=1)
    def circuit(number: Any) -> Any:
        return qj.expval(number * (number * qj.Z(0)) - number)

    assert circuit(hundred) == 9900


def test_operators_on_traced_wires_are_results_and_arguments() -> None:
    """A wire that was traced stays an index into the order of the wires."""

    @qj.qnode(wires=["a", "b"])
    def measured(op: Any) -> Any:
        qj.X("b")
        return qj.expval(op)

    makers: list[Callable[[Any], Any]] = [
        lambda wire: qj.Z(wire),
        lambda wire: 2.0 * qj.Z(wire),
        lambda wire: QJIT.dot(jnp.array([1.0, 0.5]), [qj.Z(wire), qj.Z(wire)]),
    ]
    for make, scale in zip(makers, (1, 2, 1.5), strict=True):
        wanted = scale * np.array([1.0, -1.0])
        for jit in (jax.jit, qj.qjit):
            found = [measured(jit(make)(wire)) for wire in range(2)]
            np.testing.assert_allclose(found, wanted, atol=1e-6)
        rows = jax.vmap(make)(jnp.arange(2))
        np.testing.assert_allclose(jax.vmap(measured)(rows), wanted, atol=1e-6)
        _, scanned = jax.lax.scan(lambda c, op: (c, measured(op)), 0, rows)
        np.testing.assert_allclose(scanned, wanted, atol=1e-6)
    assert jax.jit(qj.Z)(1) == qj.qjit(qj.Z)(1) == qj.Z(1)
    assert jax.eval_shape(qj.Z, 1).name == "Z"


@pytest.mark.parametrize(
    "op",
    [
        QJIT.dot(np.array([1.0, 2.0]), [qj.Z(0), qj.X(1)]),
        qj.Hermitian(A, 0),
        qj.S(0) + qj.adjoint(qj.S(0)) + 0.5 * qj.Projector([1], [1]),
    ],
)
def test_operators_are_static_arguments(op: Any) -> None:
    @qj.qnode(wires=2)
    def measured(angle: Any, op: Any) -> Any:
        qj.RX(angle, 0)
        return qj.expval(op)

    wanted = measured(0.3, op)
    for jit in (jax.jit, qj.qjit):
        found = jit(measured, static_argnums=(1,))(0.3, op)
        np.testing.assert_allclose(found, wanted, atol=1e-6)
