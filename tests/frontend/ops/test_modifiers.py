"""adjoint, ctrl and pow of functions with loops and branches, against matrices."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from tests.support.oracle import Compiled, Reference, derivative, embed

Circuit = Callable[[Any, Any, Any], Any]
WIRES = 5
THETA = 0.7


def straight(m: Any, theta: Any, k: Any) -> None:
    m.H(wires=0)
    m.S(wires=1)
    m.RX(theta, wires=2)
    m.U2(theta, 0.3, wires=0)
    m.ISWAP(wires=[0, 2])
    m.GlobalPhase(theta)
    m.Rot(theta, 0.2, 0.3 * theta, wires=1)
    m.ECR(wires=[2, 1])


def loops(m: Any, theta: Any, k: Any) -> None:
    def inner(j: Any, x: Any) -> Any:
        m.CRY(x * j, wires=[0, 2])
        return x + 0.1

    def outer(i: Any, x: Any) -> Any:
        m.RX(x + 0.3 * i, wires=1)
        m.T(wires=0)
        return m.loop(2, inner, x) * 0.9

    m.RZ(m.loop(3, outer, theta), wires=0)


def scans(m: Any, theta: Any, k: Any) -> None:
    def step(carry: Any, x: Any) -> Any:
        m.SX(wires=0)
        m.IsingXY(x * carry, wires=[0, 1])
        return carry + x**2

    m.RY(m.scan(step, theta, np.array([0.3, -0.9, 1.4])), wires=2)


def rows(m: Any, theta: Any, k: Any) -> None:
    def step(carry: Any, row: Any) -> Any:
        m.RX(row[0], wires=0)
        m.CRY(row[1], wires=[0, 2])
        return carry * 0.9

    m.RZ(m.scan(step, theta, theta * np.array([[0.3, -0.9], [1.4, 0.5]])), wires=1)


def branches(m: Any, theta: Any, k: Any) -> None:
    def flip() -> None:
        m.CNOT(wires=[0, 1])
        m.RX(theta, wires=1)

    def turn() -> None:
        m.RY(2 * theta, wires=0)
        m.S(wires=2)
        m.SWAP(wires=[1, 2])

    m.branch(theta > 0, flip, turn)
    m.H(wires=0)
    m.branch(theta > 3, flip, turn)
    m.branch(theta > 4, lambda: None, lambda: m.T(wires=0))


def moving(m: Any, theta: Any, k: Any) -> None:
    def step(i: Any, x: Any) -> Any:
        first, second = (i + k) % 3, (i + k + 1) % 3
        m.RX(x, wires=first)
        m.CNOT(wires=[first, second])
        m.branch(i > 0, lambda: m.S(wires=second), lambda: m.PhaseShift(x, wires=1))
        return 0.7 * x + i

    m.loop(4, step, theta)
    m.CRX(theta, wires=[k, (k + 2) % 3])


def layered(m: Any, theta: Any, k: Any) -> None:
    m.adjoint(lambda: moving(m, theta, k))
    m.RX(theta, wires=0)
    m.adjoint(lambda: m.adjoint(lambda: loops(m, theta, k)))
    m.power(lambda: m.RY(theta, wires=1), 3)


CIRCUITS = [straight, loops, scans, rows, branches, moving, layered]


def controlled(m: Any, values: Any, function: Callable[[], Any]) -> None:
    m.ctrl(function, [3, 4][: len(values)], values)


MODIFIERS: dict[str, Callable[[Any, Callable[[], None]], Any]] = {
    "plain": lambda m, f: f(),
    "adjoint": lambda m, f: m.adjoint(f),
    "adjoint_twice": lambda m, f: m.adjoint(lambda: m.adjoint(f)),
    "ctrl": lambda m, f: controlled(m, [1], f),
    "ctrl_on_zero": lambda m, f: controlled(m, [0, 1], f),
    "ctrl_adjoint": lambda m, f: controlled(m, [1, 0], lambda: m.adjoint(f)),
    "adjoint_ctrl": lambda m, f: m.adjoint(lambda: controlled(m, [0], f)),
    "ctrl_ctrl": lambda m, f: m.ctrl(lambda: m.ctrl(f, [4], [0]), [3], [1]),
    "cube": lambda m, f: m.power(f, 3),
    "none": lambda m, f: m.power(f, 0),
    "inverse_square": lambda m, f: m.power(f, -2),
    "adjoint_square": lambda m, f: m.adjoint(lambda: m.power(f, 2)),
    "ctrl_square": lambda m, f: controlled(m, [0], lambda: m.power(f, 2)),
}


def matrix_of(program: Callable[..., object], *args: Any) -> Any:
    """The matrix that a compiled program applies."""

    @qj.qnode(wires=WIRES)
    def column(start: Any, *args: Any) -> Any:
        qj.StatePrep(start, wires=range(WIRES))
        program(*args)
        return qj.state()

    over_states = jax.vmap(column, in_axes=(0, *(None for _ in args)))
    return qj.qjit(over_states)(jnp.eye(2**WIRES), *args).T


@pytest.mark.parametrize("modifier", MODIFIERS)
@pytest.mark.parametrize("circuit", CIRCUITS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("known", [True, False], ids=["known", "traced"])
def test_modified_function(circuit: Circuit, modifier: str, known: bool) -> None:
    def program(theta: Any, k: Any) -> None:
        m = Compiled()
        chosen = 2 if known else k
        MODIFIERS[modifier](m, lambda: circuit(m, theta, chosen))

    m = Reference()
    MODIFIERS[modifier](m, lambda: circuit(m, THETA, 2))
    wanted = m.unitary(WIRES)
    np.testing.assert_allclose(matrix_of(program, THETA, 2), wanted, atol=1e-12)


@pytest.mark.parametrize("modifier", ["adjoint", "ctrl_adjoint", "inverse_square"])
@pytest.mark.parametrize("circuit", CIRCUITS, ids=lambda c: c.__name__)
def test_gradient_of_modified_function(circuit: Circuit, modifier: str) -> None:
    def energy(m: Any, theta: Any) -> Any:
        for wire in range(WIRES):
            m.RY(theta + 0.4 * wire, wires=wire)
        MODIFIERS[modifier](m, lambda: circuit(m, theta, 1))
        return m.expval([0.5, 1.0, -0.7], ["ZXIII", "YIYZI", "IXXIX"])

    ours = qj.qnode(wires=WIRES)(lambda theta: energy(Compiled(), theta))
    wanted = derivative(lambda theta: energy(Reference(np), theta), np.float64(THETA))
    slope = jax.grad(ours)
    run = slope if modifier == "ctrl_adjoint" else qj.qjit(slope)  # to save time
    np.testing.assert_allclose(run(THETA), wanted, atol=1e-9)


def test_control_wires_may_be_traced() -> None:
    def body(m: Any) -> None:
        m.loop(3, lambda i, x: (m.CRY(x, wires=[0, 2]), x + i)[1], THETA)

    def program(control: Any) -> None:
        qj.ctrl(lambda: body(Compiled()), control=[control, 4])()

    for control in (1, 3):
        m = Reference()
        m.ctrl(lambda: body(m), [control, 4], [1, 1])  # noqa: B023
        found = matrix_of(program, control)
        np.testing.assert_allclose(found, m.unitary(WIRES), atol=1e-12)


def test_a_while_loop_can_be_controlled() -> None:
    def body(m: Any, count: Any) -> None:
        m.loop(count, lambda i, x: (m.RX(x, wires=0), x + i)[1], THETA)

    def program(count: Any) -> None:
        qj.ctrl(lambda: body(Compiled(), count), control=1)()

    for count in (0, 1, 4):
        m = Reference()
        m.ctrl(lambda: body(m, count), [1], [1])  # noqa: B023
        found = matrix_of(program, count)
        np.testing.assert_allclose(found, m.unitary(WIRES), atol=1e-12)


def test_a_while_loop_can_be_inverted() -> None:
    def body(m: Any, count: Any) -> None:
        m.loop(
            count,
            lambda i, x: (m.RX(x, wires=0), m.CNOT(wires=[0, 1]), x + i)[2],
            THETA,
        )

    def program(count: Any) -> None:
        qj.adjoint(lambda: body(Compiled(), count))()

    for count in (0, 1, 4):
        m = Reference()
        m.adjoint(lambda: body(m, count))  # noqa: B023
        found = matrix_of(program, count)
        np.testing.assert_allclose(found, m.unitary(WIRES), atol=1e-12)


def test_arguments_and_results_pass_through() -> None:
    def gate(angle: Any, *, wire: int) -> Any:
        qj.RX(angle, wires=wire)
        return 2 * angle

    @qj.qnode(wires=2)
    def circuit(angle: Any) -> Any:
        first = qj.adjoint(gate)(angle, wire=0)
        second = qj.ctrl(gate, control=0)(first, wire=1)
        return qj.expval(qj.Z(0)), first, second

    value, first, second = circuit(0.3)
    np.testing.assert_allclose([value, first, second], [np.cos(0.3), 0.6, 1.2])


@pytest.mark.parametrize("name", ["T", "S", "X", "SX", "SWAP", "ISWAP", "H"])
@pytest.mark.parametrize("exponent", [0.5, -0.25, 2, -1, 0])
def test_powers_of_gates(name: str, exponent: float) -> None:
    record = qj.dialects.gates.GATES[name]
    wires = range(record.num_wires or 0)
    found = matrix_of(lambda: qj.pow(getattr(qj, name)(wires=wires), exponent))
    gate = embed(record.full_matrix(), wires, WIRES)
    if isinstance(exponent, int):
        np.testing.assert_allclose(
            found, np.linalg.matrix_power(gate, exponent), atol=1e-12
        )
        return
    root = found if exponent > 0 else found.conj().T
    times = round(1 / abs(exponent))
    np.testing.assert_allclose(np.linalg.matrix_power(root, times), gate, atol=1e-12)


def test_gates_as_arguments() -> None:
    found = matrix_of(
        lambda: (
            qj.adjoint(qj.ISWAP)(wires=[0, 1]),
            qj.ctrl(qj.RX, control=2, control_values=0)(0.4, wires=3),
            qj.ctrl(qj.adjoint(qj.T(wires=4)), control=1),
            qj.adjoint(qj.ctrl(qj.S(wires=0), control=[2, 3])),
        )
    )
    m = Reference()
    m.adjoint(lambda: m.ISWAP(wires=[0, 1]))
    m.ctrl(lambda: m.RX(0.4, wires=3), [2], [0])
    m.ctrl(lambda: m.adjoint(lambda: m.T(wires=4)), [1], [1])
    m.adjoint(lambda: m.ctrl(lambda: m.S(wires=0), [2, 3], [1, 1]))
    np.testing.assert_allclose(found, m.unitary(WIRES), atol=1e-12)


def test_powers_of_gates_are_modified_again() -> None:
    found = matrix_of(lambda: qj.adjoint(qj.pow(qj.T(wires=0), 3)))
    m = Reference()
    m.adjoint(lambda: m.power(lambda: m.T(wires=0), 3))
    np.testing.assert_allclose(found, m.unitary(WIRES), atol=1e-12)


def test_elements_of_arguments_are_angles_of_the_inverse() -> None:
    def layer(x: Any) -> None:
        qj.RX(x[0], wires=0)
        qj.CRot(*x[1:], wires=[0, 1])

    def nothing(x: Any) -> None:
        layer(x)
        qj.adjoint(layer)(x)

    found = matrix_of(nothing, jnp.array([0.3, 0.4, 0.5, 0.6]))
    np.testing.assert_allclose(found, np.eye(2**WIRES), atol=1e-12)


def test_a_loop_without_iterations_has_an_inverse() -> None:
    def nothing() -> None:
        qj.for_loop(0, 0, 1)(lambda i: qj.RX(0.1 * i, wires=i))()

    found = matrix_of(lambda: qj.adjoint(nothing)())
    np.testing.assert_allclose(found, np.eye(2**WIRES), atol=1e-12)
