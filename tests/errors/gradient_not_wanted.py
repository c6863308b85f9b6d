import jax

import qjit as qj


@qj.qnode(wires=2, diff_method=None)
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


jax.grad(circuit)(0.5)
