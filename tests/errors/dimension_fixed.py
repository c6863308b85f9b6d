import jax
import jax.numpy as jnp
from jax import export

import qjit as qj


@qj.qjit
def f(x):
    return x.sum(1)


(n,) = export.symbolic_shape("n")
compiled = f.lower(jax.ShapeDtypeStruct((n, 3), jnp.float64)).compile()
compiled(jnp.zeros((2, 4)))
