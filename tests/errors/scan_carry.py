import jax
import jax.numpy as jnp

import qjit as qj


def step(angle, change):
    qj.RX(angle, wires=0)
    return angle + change, None


@qj.qnode(wires=2)
def circuit():
    jax.lax.scan(step, jnp.int32(0), jnp.ones(3, "float32"))
    return qj.expval(qj.Z(0))


circuit()
