import jax
import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=1)
def circuit(x, flips):
    qj.RX(jnp.where(flips, x, -x), wires=0)
    return qj.expval(qj.Z(0))


@qj.qjit
def slopes(x, flips):
    return jax.jacfwd(circuit, argnums=(0, 1))(x, flips)


slopes(0.3, True)
