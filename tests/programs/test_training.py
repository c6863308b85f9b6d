"""Training loops of optax, jaxopt and Equinox compile whole, quantum calls included."""

import resource
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import qjit as qj


@qj.qnode(wires=2)
def energy(t: Any) -> Any:
    qj.RX(t[0], wires=0)
    qj.RY(t[1], wires=1)
    qj.CNOT(wires=[0, 1])
    return qj.expval(qj.Z(1) + 0.5 * qj.X(0))


def quartic(w: Any) -> Any:
    return jnp.sum((w - jnp.arange(2.0)) ** 4 + w**2)


def check(function: Any, *args: Any) -> None:
    compiled = qj.qjit(function)
    ours, theirs = compiled(*args), jax.jit(function)(*args)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    for x, y in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert jax.typeof(x) == jax.typeof(y)
        np.testing.assert_allclose(x, y, rtol=1e-8, atol=1e-10)
    assert not compiled.report(*args)["host"]


OPTIMIZERS = {
    "adam": optax.adam(0.1),
    "momentum": optax.sgd(0.05, momentum=0.9),
    "clipped": optax.chain(optax.clip_by_global_norm(0.3), optax.adamw(0.1)),
    "schedule": optax.adam(optax.cosine_decay_schedule(0.1, 10)),
    "rmsprop": optax.rmsprop(0.01),
    "lion": optax.lion(0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optax(name: str) -> None:
    optimizer = OPTIMIZERS[name]

    def loss(params: Any) -> Any:
        return energy(params["angles"]) + jnp.sum(params["bias"] ** 2)

    def train(params: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            params, state = carry
            value, slope = jax.value_and_grad(loss)(params)
            updates, state = optimizer.update(slope, state, params)
            return (optax.apply_updates(params, updates), state), value

        return jax.lax.scan(step, (params, optimizer.init(params)), length=15)

    check(train, {"angles": jnp.array([0.3, 0.4]), "bias": jnp.ones(3)})


@pytest.mark.parametrize("loss", [quartic, energy])
def test_optax_line_search(loss: Any) -> None:
    optimizer = optax.lbfgs()
    both = optax.value_and_grad_from_state(loss)

    def train(w: Any) -> Any:
        def step(carry: Any, _: Any) -> Any:
            w, state = carry
            value, slope = both(w, state=state)
            updates, state = optimizer.update(
                slope, state, w, value=value, grad=slope, value_fn=loss
            )
            return (optax.apply_updates(w, updates), state), value

        return jax.lax.scan(step, (w, optimizer.init(w)), length=4)[1]

    check(train, jnp.array([0.3, 0.4]))


@pytest.mark.parametrize("loss", [quartic, energy])
@pytest.mark.parametrize("name", ["GradientDescent", "LBFGS"])
@pytest.mark.filterwarnings("ignore:JAXopt is no longer maintained:DeprecationWarning")
def test_jaxopt(name: str, loss: Any) -> None:
    jaxopt = pytest.importorskip("jaxopt")
    solver = getattr(jaxopt, name)(fun=loss, maxiter=4)
    check(lambda w: solver.run(w).params, jnp.array([0.3, 0.4]))


def test_equinox() -> None:
    eqx = pytest.importorskip("equinox")
    model = eqx.nn.MLP(3, 2, 4, 1, key=jax.random.key(0), dtype=jnp.float64)
    weights, rest = eqx.partition(model, eqx.is_array)
    optimizer = optax.adam(0.05)

    def loss(model: Any, rows: Any) -> Any:
        return jnp.mean(jax.vmap(lambda row: energy(model(row)))(rows))

    def train(weights: Any, rows: Any) -> Any:
        def step(_: Any, carry: Any) -> Any:
            weights, state, _ = carry
            model = eqx.combine(weights, rest)
            value, slope = eqx.filter_value_and_grad(loss)(model, rows)
            updates, state = optimizer.update(slope, state, weights)
            return eqx.apply_updates(weights, updates), state, value

        start = (weights, optimizer.init(weights), 0.0)
        return jax.lax.fori_loop(0, 4, step, start)

    check(train, weights, jax.random.normal(jax.random.key(1), (3, 3)))


def test_long_training_takes_no_more_memory() -> None:
    """Of tapes and copies of states, no step leaves any behind."""

    @qj.qnode(wires=4)
    def circuit(t: Any) -> Any:
        for layer in range(3):
            for wire in range(4):
                qj.RY(t[layer, wire], wires=wire)
            qj.CNOT(wires=[0, 1])
            qj.measure(0, postselect=0)
        return qj.expval(qj.Z(1))

    def train(steps: int) -> float:
        step = lambda _, t: t - 0.01 * jax.grad(circuit)(t)  # noqa: E731
        fit = lambda t: jax.lax.fori_loop(0, steps, step, t)  # noqa: E731
        qj.qjit(fit)(jnp.full((3, 4), 0.3)).block_until_ready()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    before = train(100)
    assert train(60_000) - before < 30  # MiB
