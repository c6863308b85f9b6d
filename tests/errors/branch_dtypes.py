import jax
import jax.numpy as jnp

import qjit as qj


def flip():
    qj.X(1)
    return jnp.int32(1)


def keep():
    return jnp.float32(0)


@qj.qnode(wires=2)
def circuit():
    bit = qj.measure(0)
    count = jax.lax.cond(bit, flip, keep)
    qj.RX(0.1 * count, wires=1)
    return qj.expval(qj.Z(0))


circuit()
