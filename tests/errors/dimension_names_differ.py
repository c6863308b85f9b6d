import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes=({0: "n"}, {0: "m"}))
def f(x, y):
    return x + y


f(jnp.zeros(3), jnp.zeros(3))
