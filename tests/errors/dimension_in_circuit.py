import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=2)
def circuit(x):
    for i in range(x.shape[0]):
        qj.RX(x[i], wires=i)
    return qj.expval(qj.Z(0))


@qj.qjit(abstracted_axes={0: "n"})
def f(x):
    return circuit(x)


f(jnp.zeros(2))
