import jax
import jax.numpy as jnp

import qjit as qj


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    pairs = x, jnp.ones(4)
    return jax.lax.scan(lambda c, pair: (c + pair[0] * pair[1], None), 0.0, pairs)


f(jnp.ones(4))
