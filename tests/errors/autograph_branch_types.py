import jax.numpy as jnp

import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(x):
    if x > 0:
        angles = jnp.zeros(2)
    else:
        angles = jnp.zeros(3)
    qj.RX(angles[0], wires=0)
    return qj.expval(qj.Z(0))


circuit(0.5)
