import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    return x.reshape(-1, 2).sum(1)


f(jnp.zeros(4))
