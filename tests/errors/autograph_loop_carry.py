import jax.numpy as jnp

import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(x):
    angles = jnp.zeros(2)
    while angles.sum() < x:
        angles = jnp.append(angles, 1.0)
    qj.RX(angles[0], wires=0)
    return qj.expval(qj.Z(0))


circuit(0.5)
