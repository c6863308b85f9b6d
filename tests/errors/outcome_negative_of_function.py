import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=2)
def circuit():
    return qj.expval(-jnp.logical_and(qj.measure(0), qj.measure(1)))


circuit()
