import jax.numpy as jnp

import qjit as qj


@qj.qjit
def f(x, n):
    return x[:n].sum()


f(jnp.ones(3), jnp.asarray(2))
