"""JAX's transformations of quantum functions equal those of a simulator in numpy."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.lowering.jax_internals.equations import enable_x64
from tests.support.oracle import Compiled, Reference, differentiable, jacobian

WORDS = ["ZZI", "XIY", "IYI"]
COEFFICIENTS = np.array([0.8, -0.3, 1.1])
THETA = jnp.array([0.3, -0.7, 1.9, 0.4])
STACK = jnp.stack([THETA, 2 * THETA, THETA - 1.0])
TANGENT = jnp.array([1.0, -2.0, 0.5, 3.0])

Energy = Callable[..., Any]


def gates(m: Any, theta: Any) -> None:
    """A circuit with every kernel of the simulator."""
    m.RX(theta[0], wires=0)
    m.U2(theta[1], m.numpy.sin(theta[3]), wires=1)
    m.PhaseShift(theta[0] * theta[2], wires=1)
    m.CRY(theta[2] ** 2, wires=[2, 0])
    m.PauliRot(theta[3], "XYZ", wires=[2, 0, 1])
    m.IsingXY(theta[0] + theta[3], wires=[0, 2])
    m.SingleExcitationPlus(theta[1], wires=[2, 1])


def energy(m: Any, theta: Any, coefficients: Any = COEFFICIENTS) -> Any:
    gates(m, theta)
    return m.expval(coefficients, WORDS)


def quantum(**options: Any) -> Energy:
    """The circuit's energy as a quantum function."""
    return qj.qnode(wires=3, **options)(lambda *args: energy(Compiled(), *args))


@differentiable
def simulated(*args: Any) -> Any:
    """The same energy, computed by numpy."""
    return energy(Reference(np), *args)


def close(found: Any, wanted: Any, tolerance: float = 1e-10) -> None:
    """Check that two pytrees agree, dtypes included."""
    leaves, tree = jax.tree.flatten(found)
    expected, wanted_tree = jax.tree.flatten(wanted)
    assert tree == wanted_tree
    for leaf, other in zip(leaves, expected, strict=True):
        assert leaf.dtype == other.dtype
        np.testing.assert_allclose(leaf, other, atol=tolerance, rtol=tolerance)


TRANSFORMS: dict[str, Callable[[Energy], Any]] = {
    "call": lambda f: f(THETA),
    "jit": lambda f: jax.jit(f)(THETA),
    "grad": lambda f: jax.grad(f)(THETA),
    "value_and_grad": lambda f: jax.value_and_grad(f)(THETA),
    "jit_grad": lambda f: jax.jit(jax.grad(f))(THETA),
    "grad_jit": lambda f: jax.grad(jax.jit(f))(THETA),
    "jacobian": lambda f: jax.jacobian(f)(THETA),
    "jacfwd": lambda f: jax.jacfwd(f)(THETA),
    "jvp": lambda f: jax.jvp(f, (THETA,), (TANGENT,)),
    "vjp": lambda f: jax.vjp(f, THETA)[1](jnp.array(0.7)),
    "linearize": lambda f: jax.linearize(f, THETA)[1](TANGENT),
    "vmap": lambda f: jax.vmap(f)(STACK),
    "vmap_grad": lambda f: jax.vmap(jax.grad(f))(STACK),
    "grad_vmap": lambda f: jax.grad(lambda x: jnp.sum(jax.vmap(f)(x) ** 2))(STACK),
    "jit_vmap_grad": lambda f: jax.jit(jax.vmap(jax.grad(f)))(STACK),
    "vmap_jit_value_and_grad": lambda f: jax.vmap(jax.jit(jax.value_and_grad(f)))(
        STACK
    ),
    "jvp_vmap": lambda f: jax.jvp(jax.vmap(f), (STACK,), (0.3 * STACK,)),
    "vmap_jvp": lambda f: jax.vmap(lambda x, t: jax.jvp(f, (x,), (t,)))(STACK, STACK),
    "jacobian_vmap": lambda f: jax.jacobian(jax.vmap(f))(STACK),
    "nested_vmap": lambda f: jax.vmap(jax.vmap(f))(STACK[None] * jnp.ones((2, 1, 1))),
    "in_axes": lambda f: jax.vmap(f, in_axes=1)(STACK.T),
    "in_axes_of_two": lambda f: jax.vmap(f, in_axes=(None, 0))(THETA, jnp.eye(3)),
    "nested_in_axes": lambda f: jax.vmap(
        jax.vmap(f, in_axes=(None, 0)), in_axes=(0, None)
    )(STACK, jnp.eye(3)),
    "out_axes": lambda f: jax.vmap(jax.grad(f), out_axes=1)(STACK),
    "coefficients": lambda f: jax.grad(f, argnums=1)(THETA, COEFFICIENTS),
    "both": lambda f: jax.grad(f, argnums=(0, 1))(THETA, COEFFICIENTS),
    "vmap_both": lambda f: jax.vmap(jax.grad(f, argnums=(0, 1)), in_axes=(0, None))(
        STACK, COEFFICIENTS
    ),
    "summed_coefficients": lambda f: jax.grad(
        lambda c: jnp.sum(jax.vmap(f, in_axes=(0, None))(STACK, c) ** 2)
    )(COEFFICIENTS),
    "summed_angles": lambda f: jax.grad(
        lambda x: jnp.sum(jax.vmap(f, in_axes=(None, 0))(x, jnp.eye(3)) ** 2)
    )(THETA),
    "checkpoint": lambda f: jax.grad(jax.checkpoint(f))(THETA),
    "chain": lambda f: jax.grad(lambda x: jnp.sin(f(x * f(x))) * f(x))(THETA),
    "scan": lambda f: jax.lax.scan(
        lambda t, _: (t - 0.1 * jax.grad(f)(t), f(t)), THETA, None, length=3
    ),
    "grad_of_scan": lambda f: jax.grad(
        lambda t: jax.lax.scan(lambda s, x: (s + f(x) * s, None), 1.0, t)[0]
    )(STACK),
    "cond": lambda f: jax.grad(
        lambda t: jax.lax.cond(t[0] > 0, f, lambda t: 2 * f(t), t)
    )(THETA),
    "map": lambda f: jax.lax.map(jax.grad(f), STACK),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transform(name: str) -> None:
    transform = TRANSFORMS[name]
    wanted = transform(simulated)
    close(transform(quantum()), wanted)
    close(transform(qj.qjit(quantum())), wanted)
    close(qj.qjit(lambda: transform(quantum()))(), wanted)


@pytest.fixture
def single_precision() -> Iterator[None]:
    """JAX's default: 32-bit arrays."""
    with enable_x64(False):
        yield


def in_single(value: Any) -> Any:
    """The pytree in single precision."""
    return jax.tree.map(lambda leaf: jnp.asarray(np.float32(leaf)), value)


SINGLE = ["call", "jit", "grad", "vmap_grad", "grad_vmap", "both", "jvp", "scan"]


@pytest.mark.usefixtures("single_precision")
@pytest.mark.parametrize("wrap", [lambda f: f, qj.qjit], ids=["qnode", "qjit"])
@pytest.mark.parametrize("name", SINGLE)
def test_single_precision(
    name: str, wrap: Callable[[Energy], Energy], monkeypatch: pytest.MonkeyPatch
) -> None:
    with enable_x64(True):
        wanted = TRANSFORMS[name](simulated)
    for constant in ("THETA", "STACK", "TANGENT", "COEFFICIENTS"):
        monkeypatch.setitem(globals(), constant, in_single(globals()[constant]))
    found = TRANSFORMS[name](wrap(quantum()))
    for leaf, other in zip(
        jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True
    ):
        assert leaf.dtype == np.float32
        np.testing.assert_allclose(leaf, other, atol=2e-5)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_single_precision_states_of_wide_angles(dtype: str) -> None:
    wanted = jax.grad(simulated)(THETA)
    found = jax.grad(quantum(dtype=dtype))(THETA)
    tolerance = 1e-10 if dtype == "complex128" else 1e-5
    np.testing.assert_allclose(found, wanted, atol=tolerance)
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    "observable",
    [
        lambda c: qj.pauli_sum(c, WORDS),
        lambda c: qj.Hamiltonian(c, [qj.Z(0), qj.X(1) @ qj.Y(2), qj.Y(0)]),
        lambda c: qj.Hermitian(np.diag([*c, *c, *c[:2]]), [0, 1, 2]),
        lambda c: qj.sum(*(weight * qj.Z(wire) for wire, weight in enumerate(c))),
    ],
)
def test_arrays_are_read_in_the_precision_of_each_trace(observable: Any) -> None:
    shared = np.array([0.8, -0.3, 1.1])

    def made(weights: Any) -> Energy:
        @qj.qnode(wires=3)
        def weighted(theta: Any) -> Any:
            gates(Compiled(), theta)
            return qj.expval(observable(weights))

        return weighted

    with enable_x64(False):
        kept = made(shared)  # JAX keeps its constants as long as it lives
        assert jax.grad(kept)(in_single(THETA)).dtype == np.float32
    fresh = made(np.array(shared))
    for transform in (lambda f: f, jax.grad, qj.qjit, lambda f: qj.qjit(jax.grad(f))):
        close(transform(made(shared))(THETA), transform(fresh)(THETA))


def looped(m: Any, theta: Any) -> Any:
    def step(i: Any, carry: Any) -> Any:
        m.RX(carry * theta[0], wires=0)
        m.CNOT(wires=[0, 1])
        m.RY(theta[1] + 0.1 * i, wires=1)
        return m.numpy.sin(carry) + theta[2]

    last = m.loop(3, step, theta[3])
    m.RZ(last, wires=0)
    m.H(wires=0)
    return m.expval(np.array([1.0, 0.5]), ["ZI", "XY"])


def scanned(m: Any, theta: Any) -> Any:
    def step(carry: Any, x: Any) -> Any:
        m.RX(x, wires=0)
        m.IsingXX(x * carry, wires=[0, 1])
        return carry + x**2

    m.RY(m.scan(step, theta[0], theta), wires=1)
    return m.expval(np.array([1.0, -0.5]), ["ZZ", "YX"])


def branched(m: Any, theta: Any) -> Any:
    for k in range(4):
        m.branch(
            theta[k] > 0,
            lambda k=k: m.RX(theta[k], wires=0),
            lambda k=k: m.IsingXY(theta[k] ** 2, wires=[0, 1]),
        )
        m.H(wires=1)
    return m.expval(np.array([1.0, -0.5]), ["ZZ", "YI"])


def nested(m: Any, theta: Any) -> Any:
    def inner(j: Any, x: Any) -> Any:
        m.branch(
            x > 0.2,
            lambda: m.RX(x, wires=0),
            lambda: m.CRY(x * theta[0], wires=[0, 1]),
        )
        return x * 0.9 + theta[1] * j

    def outer(i: Any, x: Any) -> Any:
        m.RY(x + i, wires=1)
        return m.loop(2, inner, x) - theta[2]

    m.adjoint(lambda: m.loop(3, outer, theta[3]))
    m.ctrl(
        lambda: m.loop(2, lambda i, x: (m.RX(x, wires=1), x + 1)[1], theta[0]), [0], [0]
    )
    return m.expval(np.array([1.0, 0.3]), ["ZI", "XZ"])


@pytest.mark.parametrize("circuit", [looped, scanned, branched, nested])
@pytest.mark.parametrize("single", [False, True], ids=["double", "single"])
def test_gradient_through_control_flow(circuit: Energy, single: bool) -> None:
    theirs = lambda x: circuit(Reference(np), x)  # noqa: E731
    values, slopes = (
        [f(x) for x in np.asarray(STACK)] for f in (theirs, jacobian(theirs))
    )
    with enable_x64(not single):
        stack = in_single(STACK) if single else STACK
        ours = qj.qnode(wires=2)(lambda x: circuit(Compiled(), x))
        both, tolerance = jax.value_and_grad(ours), 3e-5 if single else 1e-9
        for found in (
            jax.vmap(both)(stack),
            qj.qjit(jax.vmap(both))(stack),
            jax.jit(lambda xs: jax.lax.map(both, xs))(stack),
        ):
            np.testing.assert_allclose(found[0], values, atol=tolerance)
            np.testing.assert_allclose(found[1], slopes, atol=tolerance)
        value, slope = both(stack[1])
        np.testing.assert_allclose(value, values[1], atol=tolerance)
        np.testing.assert_allclose(slope, slopes[1], atol=tolerance)


def test_several_results_have_a_jacobian() -> None:
    @qj.qnode(wires=3)
    def ours(x: Any) -> Any:
        gates(Compiled(), x)
        parts = {word: qj.expval(qj.pauli_sum(np.ones(1), [word])) for word in WORDS}
        return parts, x[0] * qj.expval(qj.pauli_sum(COEFFICIENTS, WORDS))

    def theirs(x: Any) -> Any:
        units = zip(WORDS, np.eye(3), strict=True)
        parts = {word: simulated(x, unit) for word, unit in units}
        return parts, x[0] * simulated(x)

    wanted = jax.jacrev(theirs)(THETA)
    for found in (
        jax.jacrev(ours)(THETA),
        jax.jacfwd(ours)(THETA),
        qj.qjit(jax.jacobian(ours))(THETA),
    ):
        close(found, wanted)


def test_pytrees_and_keywords() -> None:
    def joined(params: Any, scale: Any) -> Any:
        return jnp.concatenate([params["a"], params["b"][0] * scale])

    @qj.qnode(wires=3)
    def ours(params: Any, *, scale: Any) -> Any:
        return energy(Compiled(), joined(params, scale))

    params = {"a": THETA[:2], "b": (THETA[2:],)}
    close(
        jax.grad(lambda p: ours(p, scale=0.4))(params),
        jax.grad(lambda p: simulated(joined(p, 0.4)))(params),
    )


def test_gradient_by_a_closure() -> None:
    def outer(module: Any, x: Any) -> Any:
        def inner() -> Any:
            module.RX(x**2, wires=0)
            return module.expval(jnp.ones(1), ["Z"])

        return (qj.qnode(wires=1)(inner) if isinstance(module, Compiled) else inner)()

    wanted = -2 * 0.6 * np.sin(0.36)
    ours = lambda x: outer(Compiled(), x)  # noqa: E731
    for run in (jax.grad(ours), jax.jit(jax.grad(ours)), qj.qjit(jax.grad(ours))):
        np.testing.assert_allclose(run(0.6), wanted, atol=1e-12)


def test_own_spellings_are_those_of_jax() -> None:
    ours, theirs = quantum(), simulated
    close(qj.grad(ours)(THETA), jax.grad(theirs)(THETA))
    close(qj.value_and_grad(ours)(THETA), jax.value_and_grad(theirs)(THETA))
    close(qj.jacobian(ours)(THETA), jax.jacobian(theirs)(THETA))
    close(qj.jvp(ours, (THETA,), (TANGENT,)), jax.jvp(theirs, (THETA,), (TANGENT,)))


def test_what_has_no_derivative_says_so() -> None:
    def circuit(theta: Any) -> Any:
        qj.RX(theta, wires=0)
        return jnp.sum(qj.sample()).astype(float)

    with pytest.raises(qj.errors.DifferentiationError, match="samples"):
        jax.grad(qj.qnode(wires=1, shots=5)(circuit))(0.3)
    with pytest.raises(qj.errors.DifferentiationError, match="diff_method=None"):
        jax.grad(quantum(diff_method=None))(THETA)


def test_tangents_and_cotangents_fit_what_they_move() -> None:
    def function(x: Any, y: Any) -> Any:
        return {"a": x * y[0], "b": y}

    x, y = jnp.float32(0.3), jnp.arange(2, dtype=jnp.float32)
    value, slope = qj.jvp(function, (x, y), (1, np.ones(2)))
    assert jax.tree.structure(value) == jax.tree.structure(slope)
    value, pulled = qj.vjp(function, (x, y), {"a": 2, "b": np.zeros(2)})
    np.testing.assert_allclose(pulled[1], [0.6, 0.0], rtol=1e-6)
    mistakes = [
        lambda: qj.jvp(function, (x, y), (1.0,)),
        lambda: qj.jvp(function, (x, y), (1.0, np.ones(3))),
        lambda: qj.jvp(function, (x, y), (1j, np.ones(2))),
        lambda: qj.jvp(function, (x, y), {"x": 1.0}),  # pyright: ignore[reportArgumentType]
        lambda: qj.vjp(function, (x, y), 1.0),
        lambda: qj.vjp(function, (x, y), {"a": 2, "b": np.zeros(3)}),
        lambda: qj.vjp(function, (x, y), {"a": "2", "b": np.zeros(2)}),
    ]
    for mistake in mistakes:
        with pytest.raises(qj.errors.QJitError, match=r"test_transforms.py:\d+: "):
            mistake()
