import jax.numpy as jnp

import qjit as qj


@qj.qjit
def f(x):
    return x + jnp.sin("x")


f(jnp.ones(3))
