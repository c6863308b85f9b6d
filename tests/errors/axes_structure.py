import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes=({0: "n"}, {0: "n"}))
def f(x):
    return x.sum()


f(jnp.zeros(3))
