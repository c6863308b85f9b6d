import jax.numpy as jnp

import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(n):
    angles = [0.1, 0.2]
    qj.RX(angles[n], wires=0)
    return qj.expval(qj.Z(0))


circuit(jnp.asarray(1))
