import jax

import qjit as qj


@qj.qnode(wires=1)
def circuit(angle):
    qj.RX(jax.pure_callback(lambda x: x, angle, angle), 0)
    return qj.expval(qj.Z(0))


jax.grad(circuit)(0.5)
