"""Derivatives and inverses of loops whose number of iterations is traced."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import DifferentiationError, ParameterError
from tests.support.oracle import Compiled, Reference, derivative, jacobian

X = np.array([0.7, -0.4])
WORDS = ["ZI", "XY"]


class Bounded(Compiled):
    """Loops with a bound, in PennyLane's spelling."""

    def loop(self, length: Any, body: Any, carry: Any) -> Any:
        """`for_loop` from zero."""
        return qj.for_loop(0, length, max_iterations=4)(body)(carry)


class While(Compiled):
    """Loops that go on while a condition holds."""

    def loop(self, length: Any, body: Any, carry: Any) -> Any:
        """`while_loop` over a number and what is carried."""
        return jax.lax.while_loop(
            lambda state: state[0] < length,
            lambda state: (state[0] + 1, body(*state)),
            (0, carry),
        )[1]


def flat(m: Any, x: Any, n: Any) -> None:
    """A loop whose angles depend on what it carries."""

    def iteration(i: Any, carried: Any) -> Any:
        m.RX(carried * x[0] + 0.1 * i, wires=0)
        m.CRY(x[1], wires=[0, 1])
        return m.numpy.sin(carried) + 0.2 * x[1]

    m.RY(0.4, wires=1)
    last = m.loop(n, iteration, x[0])
    m.RX(last, wires=1)


def nested(m: Any, x: Any, n: Any) -> None:
    """A triangle of gates."""

    def outer(i: Any, carried: Any) -> Any:
        def inner(j: Any, angle: Any) -> Any:
            m.RY(angle + 0.3 * j, wires=0)
            return angle * x[1]

        m.loop(i, inner, carried)
        m.CNOT(wires=[0, 1])
        m.RX(x[0], wires=1)
        return carried + x[0]

    m.loop(n, outer, x[1])


def inverted(m: Any, x: Any, n: Any) -> None:
    """The inverse of a loop, controlled."""
    m.RY(0.8, wires=0)

    def iteration(i: Any, carried: Any) -> Any:
        m.RX(carried * x[0], wires=1)
        m.RZ(x[1] + 0.1 * i, wires=1)
        return m.numpy.cos(carried)

    def body() -> None:
        m.adjoint(lambda: (m.loop(n, iteration, x[1]), None)[1])

    m.ctrl(body, [0], [1])


PROGRAMS = [flat, nested, inverted]


def circuit(program: Any, m: Any) -> Any:
    @qj.qnode(wires=2)
    def run(x: Any, n: Any) -> Any:
        program(m, x, n)
        return m.expval([1.0, 0.5], WORDS)

    return run


def simulated(program: Any, n: int) -> Any:
    def run(x: Any) -> Any:
        m = Reference(np)
        program(m, x, n)
        return m.expval([1.0, 0.5], WORDS)

    return run


@pytest.mark.parametrize("spelling", [Compiled, Bounded, While])
@pytest.mark.parametrize("program", PROGRAMS)
def test_gradients(program: Any, spelling: Any) -> None:
    both = qj.qjit(jax.value_and_grad(circuit(program, spelling())))
    for n in (0, 3):
        value, slope = both(X, n)
        np.testing.assert_allclose(value, simulated(program, n)(X), atol=1e-12)
        np.testing.assert_allclose(
            slope, jacobian(simulated(program, n))(X), atol=1e-10
        )


@pytest.mark.parametrize("program", [flat, inverted])
def test_second_derivatives(program: Any) -> None:
    run, along = circuit(program, Compiled()), np.array([0.3, 1.1])
    found = qj.qjit(lambda x, n: jax.jvp(jax.grad(run), (x, n), (along, ZERO)))(X, 2)
    exact = simulated(program, 2)
    np.testing.assert_allclose(found[0], jacobian(exact)(X), atol=1e-10)
    wanted = jacobian(lambda x: derivative(exact, x, along))(X)
    np.testing.assert_allclose(found[1], wanted, atol=1e-9)


ZERO = np.zeros((), jax.dtypes.float0)


def test_a_condition_on_what_is_carried() -> None:
    """Rotate until the angle is small."""

    def program(m: Any, x: Any, loop: Any) -> Any:
        def iteration(angle: Any) -> Any:
            m.RX(angle, wires=0)
            m.RY(x[1] * angle, wires=0)
            return angle * 0.6

        loop(iteration, x[0])
        return m.expval([1.0], ["Z"])

    def unrolled(iteration: Any, angle: Any) -> None:
        while angle > 0.2:
            angle = iteration(angle)

    def compiled(iteration: Any, angle: Any) -> None:
        qj.while_loop(lambda angle: angle > 0.2)(iteration)(angle)

    run = qj.qnode(wires=1)(lambda x: program(Compiled(), x, compiled))
    found = qj.qjit(jax.jacfwd(run))(X)
    wanted = jacobian(lambda x: program(Reference(np), x, unrolled))(X)
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_classical_loops_have_a_reverse_mode() -> None:
    def power(x: Any, n: Any) -> Any:
        return qj.for_loop(0, n, max_iterations=5)(lambda _, y: x * y)(1.0)

    def halved(x: Any) -> Any:
        halve = qj.while_loop(lambda y: y > 1, max_iterations=8)(lambda y: y / 2)
        return halve(x)

    for wrap in (qj.qjit, jax.jit):
        assert float(wrap(jax.grad(power))(1.5, 4)) == pytest.approx(4 * 1.5**3)
        assert float(wrap(jax.grad(halved))(11.0)) == pytest.approx(1 / 16)


def test_more_iterations_than_are_kept() -> None:
    run = circuit(flat, Compiled())
    slope = qj.qjit(jax.grad(run))
    assert np.all(np.isfinite(slope(X, 1024)))
    with pytest.raises(DifferentiationError, match="more than 1024 iterations"):
        slope(X, 1025)
    bounded = qj.qjit(circuit(flat, Bounded()))
    with pytest.raises(DifferentiationError, match="more than 4 iterations"):
        bounded(X, 5)


@pytest.mark.parametrize("bound", [-1, 2.5, True, jnp.ones(())])
def test_bounds_are_integers(bound: Any) -> None:
    with pytest.raises(ParameterError, match="max_iterations"):
        qj.qjit(lambda n: qj.for_loop(0, n, max_iterations=bound)(lambda _, x: x)(1.0))(
            3
        )
