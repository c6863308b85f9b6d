import jax
import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=1, shots=10)
def circuit(x):
    qj.RX(x, wires=0)
    return jnp.sum(qj.sample()).astype(float)


jax.grad(circuit)(0.3)
