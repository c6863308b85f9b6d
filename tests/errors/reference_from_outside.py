import jax
import jax.numpy as jnp

import qjit as qj

total = jax.new_ref(jnp.zeros(()))


@qj.qjit
def f(x):
    total[...] += x
    return x


f(1.0)
