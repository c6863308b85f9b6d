import jax
import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    return jax.vmap(lambda a, b: a * b)(x, jnp.ones(4))


f(jnp.ones(4))
