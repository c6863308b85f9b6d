import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=2)
def circuit():
    outcome = qj.measure(0)
    return qj.expval([outcome, jnp.stack([outcome, qj.measure(1)])])


circuit()
