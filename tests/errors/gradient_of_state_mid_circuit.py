import jax
import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=1)
def circuit(angle):
    qj.H(0)
    qj.StatePrep(jnp.stack([jnp.cos(angle), jnp.sin(angle)]), wires=[0])
    return qj.expval(qj.X(0))


jax.grad(circuit)(0.0)
