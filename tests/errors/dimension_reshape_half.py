import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    return x.reshape(x.shape[0] // 2, 2)


f(jnp.ones(4))
f(jnp.ones(3))
