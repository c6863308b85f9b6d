import jax.numpy as jnp

import qjit as qj

kept = []


@qj.qjit
def f(x):
    kept.append(2 * x)
    return x


f(jnp.ones(3))
f(kept[0])
