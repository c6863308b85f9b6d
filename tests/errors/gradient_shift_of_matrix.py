import jax
import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=1, diff_method="parameter-shift")
def circuit(angle):
    c, s = jnp.cos(angle), jnp.sin(angle)
    qj.QubitUnitary(jnp.array([[c, -s], [s, c]]), wires=0)
    return qj.expval(qj.Z(0))


jax.grad(circuit)(0.5)
