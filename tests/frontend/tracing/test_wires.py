"""Wires: labels of any kind, traced ones of any integer type, and all their places."""

import enum
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import UnsupportedError, WireError
from qjit.lowering.jax_internals.equations import enable_x64


class Site(enum.Enum):
    LEFT = "left"
    RIGHT = "right"


LABELS = [
    ["a", 7, "b"],
    [2, 0, 1],
    [(0, 0), (0, 1), Site.LEFT],
    ["q", -1, 10**30],
    range(5, 8),
    np.array([4, 2, 9]),
    [1.5, frozenset([1]), (3, 1.5)],
    [(0, 1), 0, 1],
]
PSI = np.array([0.6, 0.0, 0.0, 0.8j])
A = np.array([[0.3, 0.2 - 0.4j], [0.2 + 0.4j, -0.7]])


def body(a: Any, b: Any, c: Any, x: Any) -> None:
    qj.StatePrep(PSI, wires=[c, a])
    qj.RX(x, wires=[a])
    qj.ctrl(qj.RY, control=[c], control_values=0)(2 * x, wires=[b])
    qj.adjoint(qj.CRZ)(0.4, wires=[b, c])
    qj.StronglyEntanglingLayers(x * np.ones((1, 3, 3)), wires=[c, a, b])
    qj.MultiControlledX(wires=[a, b, c], control_values="10")
    qj.cond(x > 0, qj.H, qj.S)([b])


def results(a: Any, b: Any, c: Any) -> Any:
    return (
        *(qj.probs(), qj.state(), qj.density_matrix(), qj.probs([c, a])),
        qj.expval(qj.Z([b]) @ qj.X([a]) + 0.5 * qj.Hermitian(A, wires=[c])),
        qj.var(qj.Projector([1, 0], wires=[c, b]) + qj.Y([a]) @ qj.Z([b])),
        *(qj.density_matrix([b]), qj.vn_entropy([c]), qj.mutual_info([a], [c, b])),
    )


def assert_close(found: Any, wanted: Any) -> None:
    jax.tree.map(
        lambda f, w: np.testing.assert_allclose(f, w, atol=1e-9), found, wanted
    )


def circuit_of(labels: Any, wires: Any) -> Callable[[Any], Any]:
    @qj.qnode(wires=wires)
    def circuit(x: Any) -> Any:
        a, b, c = labels
        body(a, b, c, x)
        return results(a, b, c)

    return circuit


@pytest.mark.parametrize("labels", LABELS, ids=str)
def test_labels_mean_positions(labels: Any) -> None:
    known = [label for label in labels]
    found = circuit_of(known, labels)(0.3)
    wanted = circuit_of([0, 1, 2], 3)(0.3)
    assert_close(found, wanted)


def test_results_come_in_the_order_given() -> None:
    @qj.qnode(device=qj.device(wires=["b", "a"]), shots=3)
    def circuit() -> Any:
        qj.X("a")
        return qj.sample(), qj.sample("b"), qj.counts(["a", "b"]), qj.probs()

    rows, column, (_, counts), probs = circuit()
    np.testing.assert_array_equal(rows, [[0, 1]] * 3)
    np.testing.assert_array_equal(column, [[0]] * 3)
    np.testing.assert_array_equal(counts, [0, 0, 3, 0])
    np.testing.assert_array_equal(probs, [0, 1, 0, 0])


def test_wires_that_are_not_declared() -> None:
    @qj.qnode
    def by_use() -> Any:
        qj.X("b")
        qj.H("a")
        qj.X(3)
        return qj.probs()

    @qj.qnode
    def all_too_early() -> Any:
        qj.X(0)
        return qj.state(), qj.probs(), qj.expval(qj.Z(2))

    np.testing.assert_allclose(by_use(), np.kron([0, 1], np.kron([0.5, 0.5], [0, 1])))
    state, probs, mean = all_too_early()
    assert np.argmax(np.abs(state)) == np.argmax(probs) == 0b100 and len(state) == 8
    assert mean == 1


def test_unknown_labels_are_refused_in_the_words_of_the_user() -> None:
    def refusal(gate: Callable[[], Any], wires: Any = ("a", 7, "b")) -> str:
        @qj.qnode(wires=wires)
        def circuit() -> Any:
            gate()
            return qj.probs()

        with pytest.raises(WireError, match=r"test_wires\.py:\d+") as caught:
            circuit()
        return str(caught.value)

    assert "no wire 'c', but 'a', 7, 'b'" in refusal(lambda: qj.H("c"))
    assert "no wire 0" in refusal(lambda: qj.H(0))
    assert "True" in refusal(lambda: qj.H(True), 2)
    assert "7.0" in refusal(lambda: qj.H(7.0))
    assert "no wire 'c'" in refusal(lambda: qj.expval(qj.Z("c") @ qj.Z("a")))
    assert "['b', 'b']" in refusal(lambda: qj.CNOT(["b", "b"]))
    assert "['b', 'b']" in refusal(lambda: qj.ctrl(qj.X, control="b")("b"))
    assert "no order" in refusal(lambda: qj.CNOT({"a", "b"}))
    assert "function" in refusal(lambda: qj.H(len), None)
    for bad in (0, 63, 2.0, True, np.True_, [], ["a", "a"], {"a"}, [[0]], jnp.ones(2)):
        with pytest.raises(WireError):
            qj.qnode(wires=bad)


def prepared(x: Any) -> None:
    for wire in range(3):
        qj.RY(x * (wire + 1), wire)
        qj.RX(0.3 + wire, wire)
    qj.CNOT([0, 1])
    qj.CNOT([1, 2])


def traced(i: Any, j: Any) -> Any:
    return {
        "mean": qj.expval(qj.Z(i)),
        "product": qj.expval(2.5 * qj.Z(i) @ qj.X(j) + qj.H(j) @ qj.Y(1)),
        "variance": qj.var(qj.X(i) + 0.5 * qj.Z(i)),
        "probs": (qj.probs([i, j]), qj.probs(j)),
    }


def traced_matrices(i: Any, j: Any) -> Any:
    return (
        qj.expval(qj.Hermitian(np.kron(A, A) + np.eye(4), [j, i])),
        qj.var(qj.Projector([1, 0], [i, j])),
    )


LAYERS = np.linspace(0.1, 1.2, 12).reshape(2, 2, 3)
TEMPLATES: list[Callable[[Any], Any]] = [
    lambda on: qj.QFT(on),
    lambda on: qj.AngleEmbedding(LAYERS[0, 0, :2], on, rotation="Y"),
    lambda on: qj.BasicEntanglerLayers(LAYERS[:, :, 0], on),
    lambda on: qj.StronglyEntanglingLayers(LAYERS, on),
    lambda on: qj.GroverOperator(on),
]


def test_templates_carry_traced_wires() -> None:
    def circuit(ops: Any) -> Any:
        qj.RX(0.4, 2)
        qj.H(1)
        for op in ops:
            qj.apply(op)
        return qj.state()

    made = jax.jit(lambda i: [make([i, 1]) for make in TEMPLATES])
    state = qj.qjit(qj.qnode(circuit, wires=3))
    wanted = state([make([2, 1]) for make in TEMPLATES])
    np.testing.assert_allclose(state(made(2)), wanted, atol=1e-12)
    assert np.max(np.abs(state(made(0)) - wanted)) > 0.1


def test_operators_carry_traced_wires_out_of_compiled_functions() -> None:
    """An operator with a traced wire is a pytree whose structure does not change."""
    made = jax.jit(lambda i: 2.0 * (qj.X(i) @ qj.Z("a")))
    for place in (2, 1, 2):
        op = made(place)
        leaves, tree = jax.tree.flatten(op)
        assert leaves == [2.0, place] and tree == jax.tree.structure(made(0))
    assert op == made(2) != made(1) and hash(op) == hash(made(2))
    assert repr(op) == "2 * X(2) @ Z('a')"

    @qj.qnode(wires=["c", "b", "a"])
    def mean(op: Any) -> Any:
        qj.X("a")
        qj.H("b")
        return qj.expval(op)

    gates = jax.vmap(lambda i: qj.X(i))(jnp.arange(3))

    @qj.qnode(wires=["c", "b", "a"])
    def flipped(gate: Any) -> Any:
        qj.apply(gate)
        return qj.probs()

    assert mean(made(1)) == pytest.approx(-2)
    known = qj.qnode(lambda: mean.function(made(1)), wires=["c", "b", "a"])
    assert known() == pytest.approx(-2)
    each = np.eye(8)[[4, 2, 1]]
    np.testing.assert_allclose(jax.vmap(flipped)(gates), each)
    axes = jax.tree.map(lambda _: 0, gates)
    np.testing.assert_allclose(jax.vmap(flipped, in_axes=(axes,))(gates), each)
    np.testing.assert_allclose(jax.lax.map(flipped, gates), each)
    for bad in (gates, jax.tree.map(lambda i: i * 1.0, gates), made(3).base):
        with pytest.raises(WireError, match=r"test_wires\.py:\d+: "):
            flipped(bad)
    by_index = jax.jit(lambda i: qj.X(i))(3)
    with pytest.raises(WireError, match="an index that was computed, is out of range"):
        qj.qnode(lambda: flipped.function(by_index), wires=[3, 4])()


def test_operators_on_traced_wires_are_compared() -> None:
    def equal(i: Any, j: Any) -> Any:
        one, same = qj.X(i) @ qj.Z(j), qj.X(i) @ qj.Z(j)
        other = qj.Z(j) @ qj.X(i)
        return jnp.asarray([one == same, one == other, one == qj.X(i) @ qj.Z(0)])

    assert jax.jit(equal)(0, 1).tolist() == [True, False, False]


def measured(measure: Callable[..., Any], *known: int) -> Any:
    @qj.qnode(wires=3)
    def circuit(x: Any, *moving: Any) -> Any:
        prepared(x)
        return measure(*known, *moving)

    return circuit


def test_traced_wires_of_measurements() -> None:
    moving = measured(traced)
    for i, j in [(2, 0), (0, 2)]:
        known = measured(traced, i, j)
        assert_close(moving(0.4, np.int64(i), np.uint64(j)), known(0.4))
    for i, j in [(3, 0), (-1, 0), (2**32, 1), (0, 2**63 + 1)]:
        with pytest.raises(WireError, match=r"test_wires\.py:\d+"):
            moving(0.4, np.int64(i), np.uint64(j))
    # Z X = i Y on one wire, which is not Hermitian.
    with pytest.raises(qj.errors.MeasurementError, match=r"test_wires\.py:\d+"):
        moving(0.4, np.int64(1), np.uint64(1))


def test_derivatives_on_traced_wires() -> None:
    def mean(i: Any, j: Any) -> Any:
        return qj.expval(2.5 * qj.Z(i) @ qj.X(j) + qj.H(j))

    wanted = jax.grad(measured(mean, 2, 0))(0.4)
    for transform in (jax.grad, jax.jacfwd):
        assert_close(transform(measured(mean))(0.4, 2, 0), wanted)


def test_traced_wires_of_matrices() -> None:
    moving = measured(traced_matrices)
    for i, j in [(2, 0), (0, 1)]:
        assert_close(moving(0.4, i, j), measured(traced_matrices, i, j)(0.4))
    for i, j in [(1, 1), (3, 0), (0, 2**32)]:
        with pytest.raises(WireError, match=r"test_wires\.py:\d+"):
            moving(0.4, i, j)


def test_traced_wires_of_samples() -> None:
    @qj.qnode(wires=["a", "b", "c"], shots=4)
    def circuit(i: Any, j: Any) -> Any:
        qj.X("b")
        return (
            *(qj.sample([i, j]), qj.counts(j), qj.probs([j, i])),
            qj.expval(qj.Z(i) - 2 * qj.Z(j)),
        )

    rows, (_, counts), probs, mean = circuit(np.int16(2), np.uint64(1))
    np.testing.assert_array_equal(rows, [[0, 1]] * 4)
    np.testing.assert_array_equal(counts, [0, 4])
    np.testing.assert_array_equal(probs, [0, 0, 1, 0])
    assert mean == 3
    with pytest.raises(WireError):
        circuit(np.int16(2), np.uint64(2**32 + 1))


def test_traced_wires_of_preparations() -> None:
    def circuit(states: Any, i: Any, j: Any) -> Any:
        psi, bits = states
        qj.StatePrep(psi, wires=[i, j])
        qj.BasisState(bits, wires=[j, i])
        return qj.state()

    states = PSI, np.array([0, 1])
    moving = qj.qnode(circuit, wires=3)
    for i, j in [(0, 1), (2, 0), (1, 2)]:
        known = qj.qnode(lambda states, i=i, j=j: circuit(states, i, j), wires=3)
        np.testing.assert_allclose(moving(states, i, j), known(states), atol=1e-12)
    for i, j in [(1, 1), (3, 0), (0, 2**33)]:
        with pytest.raises(WireError, match=r"test_wires\.py:\d+"):
            moving(states, np.int64(i), np.int64(j))


PLACES: dict[str, Callable[[Any], Any]] = {
    "gate": lambda w: qj.X(w),
    "control": lambda w: qj.ctrl(qj.X, control=w)(0),
    "unitary": lambda w: qj.QubitUnitary(np.eye(2), w),
    "measure": lambda w: qj.measure(w),
    "postselect": lambda w: qj.measure(w, postselect=0),
    "reset": lambda w: qj.reset(w),
}
FAR: list[Any] = [
    *(np.int64(2**32), np.int64(-(2**32)), np.int64(2**62), np.int64(-1)),
    *(np.uint64(2**63 + 1), np.uint64(2**32 + 1), np.uint32(2**31 + 1)),
    *(np.int8(-127), np.uint8(255), np.int64(-(2**63))),
]


@pytest.mark.parametrize("place", PLACES)
def test_traced_wires_never_wrap(place: str) -> None:
    @qj.qnode(wires=3)
    def circuit(wire: Any) -> Any:
        PLACES[place](wire)
        return qj.probs()

    wanted = {"gate": 0b010}.get(place, 0)
    assert np.argmax(circuit(np.uint64(1))) == wanted
    for wire in FAR:
        if wire.dtype in (np.int64, np.uint64):
            with pytest.raises(WireError, match=r"test_wires\.py:\d+"):
                circuit(wire)


def test_traced_wires_of_every_type() -> None:
    @qj.qnode(wires=3)
    def circuit(wire: Any) -> Any:
        qj.X(wire)
        return qj.probs()

    for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32):
        assert np.argmax(circuit(dtype(2))) == 0b001
    for wire in FAR:
        with pytest.raises(WireError):
            circuit(wire)
    with jax.enable_x64(False), pytest.raises(WireError):
        circuit(np.uint32(2**32 - 1))


@pytest.mark.parametrize("kind", [np.int64, np.uint64, np.array])
def test_wires_of_64_bits_where_jax_has_32(kind: Any) -> None:
    """JAX would cut an argument to 32 bits before anyone sees it."""

    @qj.qnode(wires=2)
    def circuit(wires: Any) -> Any:
        qj.X(wires["w"])
        return qj.probs()

    with enable_x64(False):
        compiled = qj.qjit(circuit)
        for run in (circuit, compiled, lambda wires: circuit(wires=wires)):
            np.testing.assert_array_equal(run({"w": kind(1)}), [0, 1, 0, 0])
            with pytest.raises(ValueError, match=r"test_wires\.py:\d+: .*4294967296"):
                run({"w": kind(2**32)})
        with pytest.raises(ValueError, match=r"test_wires\.py:\d+: "):
            circuit({"w": 2**32})
        with pytest.raises(WireError):
            circuit({"w": np.uint64(2**31)})


def test_bits_are_checked() -> None:
    def run(apply: Callable[[], Any]) -> Any:
        @qj.qnode(wires=2)
        def circuit() -> Any:
            apply()
            return qj.probs()

        return circuit()

    good: list[Any] = [np.int64(0), False, np.False_, 0]
    for bit in good:
        run(lambda bit=bit: qj.measure(0, postselect=bit))
        found = run(lambda bit=bit: qj.ctrl(qj.X, 0, control_values=[bit])(1))
        assert np.argmax(found) == 0b01
    bad: list[Any] = [2, -1, 0.5, "x", 2**32, np.array([0, 1]), [0, 1]]
    for bit in bad:
        with pytest.raises(qj.errors.QJitError, match=r"test_wires\.py:\d+"):
            run(lambda bit=bit: qj.measure(0, postselect=bit))
        with pytest.raises(qj.errors.QJitError, match=r"test_wires\.py:\d+"):
            run(lambda bit=bit: qj.ctrl(qj.X, 0, control_values=bit)(1))


def test_distributions_of_observables_need_known_wires() -> None:
    for op in (lambda i: qj.X(i), lambda i: qj.Z(i) @ qj.Y(0)):

        @qj.qnode(wires=3)
        def circuit(wire: Any, op: Any = op) -> Any:
            return qj.probs(op=op(wire))

        with pytest.raises(UnsupportedError, match=r"test_wires.py:\d+.*diagonalise"):
            circuit(1)
