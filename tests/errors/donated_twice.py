import jax.numpy as jnp

import qjit as qj

f = qj.qjit(lambda x, y: (x + 1, y * 2), donate_argnums=(0, 1))
x = jnp.ones(3)
f(x, x)
