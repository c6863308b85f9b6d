import jax.numpy as jnp

import qjit as qj

f = qj.qjit(lambda x: x + 1, donate_argnums=0)
x = jnp.ones(3)
f(x)
f(x)
