import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=1)
def circuit(x):
    angle = x @ jnp.ones(4)
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


circuit(jnp.ones(3))
