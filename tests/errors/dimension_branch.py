import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    if x.shape[0] > 10:
        return x.mean()
    return x.sum()


f(jnp.zeros(3))
