import jax
import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=2)
def circuit(x):
    qj.RX(jnp.log(x), wires=0)
    return qj.expval(qj.Z(0))


jax.grad(circuit)(-1.0)
