import jax.numpy as jnp

import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
def program(x):
    values = jnp.zeros(3)
    values[3] = x
    return values


program(0.5)
