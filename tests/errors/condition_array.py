import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=2)
def circuit(x):
    qj.cond(x > 0, qj.X)(0)
    return qj.expval(qj.Z(0))


circuit(jnp.ones(2))
