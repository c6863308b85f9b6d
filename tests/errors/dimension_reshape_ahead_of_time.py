import jax
import jax.numpy as jnp
from jax import export

import qjit as qj


@qj.qjit
def f(x):
    return x.reshape(2)


shape = export.symbolic_shape("n")
compiled = f.lower(jax.ShapeDtypeStruct(shape, jnp.float32)).compile()
compiled(jnp.ones(2, jnp.float32))
compiled(jnp.ones(3, jnp.float32))
