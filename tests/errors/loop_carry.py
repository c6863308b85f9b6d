import jax.numpy as jnp

import qjit as qj


@qj.for_loop(0, 3)
def turn(i, angles):
    qj.RX(angles[0], wires=0)
    return angles[:1]


@qj.qnode(wires=2)
def circuit():
    turn(jnp.zeros(2, "float32"))
    return qj.expval(qj.Z(0))


circuit()
