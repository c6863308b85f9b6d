import jax
import jax.numpy as jnp

import qjit as qj


def measured(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


@qj.qnode(wires=2)
def circuit():
    for_each = jax.lax.map(measured, jnp.ones(3))
    return for_each


circuit()
