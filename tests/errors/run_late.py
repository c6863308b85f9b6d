import jax
import jax.numpy as jnp

import qjit as qj


@jax.jit
def slow():
    values = jnp.linalg.svd(jnp.ones((300, 300)), compute_uv=False)
    return jnp.log(-values[0])


@qj.qnode(wires=2)
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


circuit(slow())
