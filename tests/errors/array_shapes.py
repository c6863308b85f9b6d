import jax.numpy as jnp

import qjit as qj


@qj.qjit
def f(x):
    weights = jnp.ones(4)
    return x @ weights


f(jnp.ones(3))
