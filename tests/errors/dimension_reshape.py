import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "m", 1: "n"})
def f(a):
    return a.reshape(3, 5)


f(jnp.ones((3, 5)))
f(jnp.ones((1, 3)))
