import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes=({0: "n"}, {"weights": {1: "n"}}))
def f(x, options):
    return options["weights"] @ x


f(jnp.zeros(3), {"weights": jnp.zeros((2, 4))})
