import jax
import jax.numpy as jnp

import qjit as qj


def flip():
    qj.X(1)
    return jnp.zeros(2, "float32")


def keep():
    return jnp.zeros((), "float32")


@qj.qnode(wires=2)
def circuit():
    bit = qj.measure(0)
    angle = jax.lax.cond(bit, flip, keep)
    qj.RX(angle, wires=1)
    return qj.expval(qj.Z(0))


circuit()
