"""`for_loop`, `while_loop`, `cond` and `vmap`: as Python means them, or refused."""

import doctest
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import BranchError, MeasurementError, ParameterError, QJitError
from tests.support.paths import ROOT


def test_a_loop_without_state_returns_what_its_last_iteration_did() -> None:
    for count in (1, 3):
        assert qj.for_loop(count)(lambda i: 2 * i)() == 2 * (count - 1)
    assert qj.for_loop(0)(lambda i: 2 * i)() is None
    last = qj.qjit(lambda n: qj.for_loop(0, n, 2)(lambda i: {"a": (i, i * 0.5)})())
    assert jax.tree.map(float, last(np.int8(6))) == {"a": (4.0, 2.0)}
    with pytest.raises(ParameterError, match="loop without iterations"):
        last(np.int8(0))
    unread = qj.qjit(lambda n: (qj.for_loop(n)(lambda i: 2 * i)(), n)[1])
    assert unread(0) == 0

    def never(go: Any) -> Any:
        return qj.while_loop(lambda: go)(lambda: 3)()

    with pytest.raises(ParameterError, match="loop without iterations"):
        qj.qjit(never)(False)


def test_gates_and_results_of_loops_without_state() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any) -> Any:
        def iteration(i: Any) -> Any:
            qj.RX(x * (i + 1), wires=i)
            return x * i

        qj.RY(qj.for_loop(3)(iteration)(), wires=0)
        qj.for_loop(3)(lambda i: qj.RZ(0.1, wires=i))()
        return qj.expval(qj.Z(0))

    np.testing.assert_allclose(circuit(0.3), np.cos(0.3) * np.cos(0.6), atol=1e-12)
    slope = -np.sin(0.3) * np.cos(0.6) - 2 * np.cos(0.3) * np.sin(0.6)
    np.testing.assert_allclose(jax.grad(circuit)(0.3), slope, atol=1e-12)


def chosen(x: Any) -> Any:
    return qj.cond(
        x > 1,
        lambda y: (True, {"a": y}),
        lambda y: (2, {"a": 1}),
        elifs=[(x > 0, lambda y: (jnp.float32(3), {"a": 5}))],
    )(x)


def test_branches_are_promoted() -> None:
    compiled = qj.qjit(chosen)
    for x, wanted in [(2.0, (1, 2.0)), (0.5, (3, 5.0)), (-1.0, (2, 1.0))]:
        first, rest = compiled(x)
        assert (float(first), float(rest["a"])) == wanted
        assert (first.dtype, rest["a"].dtype) == (np.float32, np.float64)
        first, rest = chosen(x)
        assert (float(first), float(rest["a"])) == wanted
    one_pair = qj.qjit(
        lambda x: qj.cond(x > 1, lambda: 1, lambda: 1j, elifs=(x > 0, lambda: 0.5))()
    )
    assert [complex(one_pair(x)) for x in (2.0, 0.5, 0.0)] == [1, 0.5, 1j]


def test_arguments_of_branches_stay_what_they_are() -> None:
    @qj.qnode(wires=["a", "b"])
    def circuit(x: Any) -> Any:
        qj.cond(x > 0, qj.RX, qj.RY)(np.pi, "b")
        qj.cond(x > 0, lambda word: qj.PauliRot(np.pi, word, ["a", "b"]))("XI")
        qj.cond(True, qj.X)("a")
        qj.cond(np.False_, qj.X)("a")
        return qj.probs()

    np.testing.assert_allclose(circuit(1.0), [0, 1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(circuit(-1.0), [0, 0, 0, 1], atol=1e-12)


@pytest.mark.parametrize("number", [0, 2, 0.0, -0.5, np.int8(3), np.float32(0), 1j])
def test_numbers_are_conditions_as_in_python(number: Any) -> None:
    choose = lambda n: qj.cond(n, lambda: 1, lambda: 2)()  # noqa: E731
    assert choose(number) == qj.qjit(choose)(number) == (1 if number else 2)


def test_a_number_goes_on_until_it_is_zero() -> None:
    count = lambda n: qj.while_loop(lambda n, _: n)(lambda n, k: (n - 1, k + n))(n, 0)  # noqa: E731
    assert [int(each) for each in qj.qjit(count)(4)] == [0, 10]


TWO: Any = 2
REFUSED: dict[str, Callable[[Any], Any]] = {
    "cond_array": lambda x: qj.cond(jnp.ones(2) * x, lambda: 1, lambda: 2)(),
    "cond_text": lambda x: qj.cond("yes", lambda: 1, lambda: 2)(),
    "cond_none": lambda x: qj.cond(None, lambda: 1, lambda: 2)(),
    "cond_function": lambda x: qj.cond(lambda: True, lambda: 1, lambda: 2)(),
    "cond_value": lambda x: qj.cond(x > 0, TWO, TWO)(),
    "cond_lost": lambda x: qj.cond(x > 0, lambda: x)(),
    "cond_shapes": lambda x: qj.cond(x > 0, lambda: x, lambda: jnp.ones(2))(),
    "cond_pairs": lambda x: qj.cond(x > 0, lambda: x, lambda: x, elifs=[x])(),
    "while_array": lambda x: qj.while_loop(lambda y: y < jnp.ones(2))(abs)(x),
    "while_text": lambda x: qj.while_loop(lambda y: "yes")(lambda y: y)(x),
    "while_value": lambda x: qj.while_loop(TWO)(lambda y: y)(x),
    "while_more": lambda x: qj.while_loop(lambda y: y < 3)(lambda y: (y, y))(x),
    "for_value": lambda x: qj.for_loop(3)(x)(),
    "for_no_counter": lambda x: qj.for_loop(3)(lambda: x)(),
    "for_no_state": lambda x: qj.for_loop(3)(lambda i, y: y)(),
    "for_one": lambda x: qj.for_loop(3)(lambda i, y, z: y)(x, x),
    "for_more": lambda x: qj.for_loop(3)(lambda i, y, z: (y, z, y))(x, x),
    "for_nothing": lambda x: qj.for_loop(3)(lambda i, y: None)(x),
    "for_text": lambda x: qj.for_loop(3)(lambda i, y: "a")(x),
    "for_text_state": lambda x: qj.for_loop(3)(lambda i, y: y)("a"),
    "for_shape": lambda x: qj.for_loop(3)(lambda i, y: jnp.ones(3))(x),
    "vmap_number": lambda x: qj.vmap(lambda y: y)(x),
    "vmap_sizes": lambda x: qj.vmap(jnp.add)(jnp.ones(2), jnp.ones(3)),
    "vmap_value": lambda x: qj.vmap(x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_name_the_line(name: str) -> None:
    for run in (REFUSED[name], qj.qjit(REFUSED[name])):
        if name in ("cond_lost", "cond_shapes") and run is REFUSED[name]:
            continue  # conditions that are known choose as Python does
        with pytest.raises(QJitError, match=r"test_control\.py:\d+"):
            run(1.0)


@pytest.mark.parametrize("quantum", [False, True])
def test_branches_and_loops_return_operators(quantum: bool) -> None:
    makers: list[Callable[[Any], Any]] = [
        lambda x: qj.cond(x > 0, lambda: 1.0 * qj.Z(0), lambda: 2.0 * qj.Z(0))(),
        lambda x: qj.for_loop(2)(lambda i: (i + x / x) * qj.Z(0) / 2)(),
        lambda x: qj.for_loop(2)(lambda i, op: op * (x / x))(1.0 * qj.Z(0)),
        lambda x: qj.cond(
            x > 0, lambda: qj.Z(0) + x * qj.X(0), lambda: qj.Z(0) + 2 * x * qj.X(0)
        )(),
    ]

    @qj.qnode(wires=1)
    def measured(op: Any) -> Any:
        qj.RX(0.4, 0)
        return qj.expval(op)

    @qj.qnode(wires=1)
    def whole(x: Any, make: Any) -> Any:
        qj.RX(0.4, 0)
        return qj.expval(make(x))

    for make in makers:
        found = whole(0.3, make) if quantum else measured(qj.qjit(make)(0.3))
        np.testing.assert_allclose(found, np.cos(0.4), atol=1e-6)


@pytest.mark.parametrize(
    "flow",
    [
        lambda x: qj.cond(x > 0, lambda: 2.0 * qj.X(0), lambda: 3.0 * qj.X(0))(),
        lambda x: qj.for_loop(2)(lambda i: x * qj.X(0))(),
    ],
)
def test_operators_of_branches_and_loops_are_not_lost(flow: Any) -> None:
    @qj.qnode(wires=1)
    def circuit(x: Any) -> Any:
        flow(x)
        return qj.probs()

    with pytest.raises(MeasurementError, match="neither measured nor part"):
        circuit(0.3)


@pytest.mark.parametrize("page", ["control_flow.md", "wires.md"])
def test_examples_of_the_pages(page: str) -> None:
    path = ROOT / "docs" / page
    assert doctest.testfile(str(path), module_relative=False).failed == 0


BATCHED: dict[str, Callable[[Any], Any]] = {
    "rotation": lambda x: qj.RX(x, wires=0),
    "second_angle": lambda x: qj.Rot(0.1, x, 0.2, wires=0),
    "controlled": lambda x: qj.ctrl(qj.RY, control=0)(x, wires=1),
    "word": lambda x: qj.PauliRot(x, "XY", wires=[0, 1]),
    "phase": lambda x: qj.GlobalPhase(x),
    "state": lambda x: qj.StatePrep(jnp.outer(x, jnp.ones(4)), wires=[0, 1]),
    "bits": lambda x: qj.BasisState(jnp.ones((2, 2)) * x, wires=[0, 1]),
    "matrix": lambda x: qj.QubitUnitary(jnp.ones((2, 4, 4)) * x[0], wires=[0, 1]),
    "diagonal": lambda x: qj.DiagonalQubitUnitary(jnp.ones((2, 2)) * x, wires=[0]),
    "angles": lambda x: qj.AngleEmbedding(jnp.outer(x, x), wires=[0, 1]),
    "layers": lambda x: qj.BasicEntanglerLayers(jnp.ones((2, 1, 2)) * x, wires=[0, 1]),
    "rotations": lambda x: qj.StronglyEntanglingLayers(
        jnp.ones((2, 1, 2, 3)) * x[0], wires=[0, 1]
    ),
    "exponent": lambda x: qj.apply(qj.exp(qj.Z(0), 1j * x)),
    "observable": lambda x: qj.expval(qj.Hermitian(jnp.ones((2, 2, 2)) * x[0], 0)),
    "projector": lambda x: qj.expval(qj.Projector(jnp.ones((2, 2)) * x[0], 0)),
    "coefficients": lambda x: qj.expval(qj.dot(jnp.outer(x, x), [qj.Z(0), qj.X(0)])),
}


@pytest.mark.parametrize("name", BATCHED)
def test_batches_of_parameters_are_refused_with_the_remedy(name: str) -> None:
    @qj.qnode(wires=2)
    def circuit(x: Any) -> Any:
        BATCHED[name](x)
        return qj.probs()

    with pytest.raises(QJitError, match=r"test_control\.py:\d+.*jax\.vmap"):
        circuit(jnp.array([0.1, 0.2]))


def test_vmap_over_wires_and_angles() -> None:
    @qj.qnode(wires=3)
    def circuit(x: Any, wire: Any) -> Any:
        qj.RX(x, wires=wire)
        return qj.expval(qj.Z(wire))

    x = jnp.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(qj.vmap(circuit)(x, jnp.arange(3)), np.cos(x))
    np.testing.assert_allclose(qj.vmap(circuit, (0, None))(x, 1), np.cos(x))
    with pytest.raises(qj.errors.WireError, match=r"test_control\.py:\d+"):
        qj.vmap(circuit)(x, jnp.arange(1, 4))


def test_mismatched_branches_are_described() -> None:
    with pytest.raises(BranchError, match=r"float64\[\]; nothing"):
        qj.qjit(REFUSED["cond_lost"])(1.0)
