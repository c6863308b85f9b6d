import jax.numpy as jnp

import qjit as qj


@qj.qjit
def f(x):
    return x & 1


f(jnp.ones(3))
