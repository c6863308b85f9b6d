import jax.numpy as jnp

import qjit as qj


@qj.qjit
def f(n):
    return jnp.arange(n).sum()


f(jnp.asarray(3))
