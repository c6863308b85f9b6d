import jax.numpy as jnp

import qjit as qj


@qj.qjit
def f(x):
    return x[x > 0].sum()


f(jnp.ones(3))
