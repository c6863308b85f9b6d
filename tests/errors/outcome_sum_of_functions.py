import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=2)
def circuit():
    zeros = jnp.logical_not(qj.measure(0)) + jnp.logical_not(qj.measure(1))
    return qj.expval(zeros)


circuit()
