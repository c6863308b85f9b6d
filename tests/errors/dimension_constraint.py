import jax
import jax.numpy as jnp
from jax import export

import qjit as qj


@qj.qjit
def f(x):
    return jnp.linspace(0, 1, x.shape[0]) * x


(n,) = export.symbolic_shape("n", constraints=["n >= 2"])
compiled = f.lower(jax.ShapeDtypeStruct((n,), jnp.float64)).compile()
compiled(jnp.zeros(5))
compiled(jnp.zeros(1))
