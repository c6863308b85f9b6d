import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    return x @ jnp.ones(4)


f(jnp.ones(4))
