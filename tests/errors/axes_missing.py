import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x, step):
    return x * step


f(jnp.zeros(3), 0.1)
