import jax
import jax.numpy as jnp

import qjit as qj


def running(angle):
    return angle < 3


def step(angle):
    qj.RX(angle, wires=0)
    return angle + jnp.float32(0.5)


@qj.qnode(wires=2)
def circuit():
    jax.lax.while_loop(running, step, jnp.int32(0))
    return qj.expval(qj.Z(0))


circuit()
