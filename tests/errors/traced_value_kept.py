import jax.numpy as jnp

import qjit as qj

kept = []


@qj.qjit
def f(x):
    kept.append(2 * x)
    return x


@qj.qjit
def g(x):
    return x + kept[0]


f(jnp.ones(3))
g(jnp.ones(3))
