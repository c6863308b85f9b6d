import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    return jnp.zeros(x.shape[0] - 3)


f(jnp.zeros(5))
