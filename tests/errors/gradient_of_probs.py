import jax

import qjit as qj


@qj.qnode(wires=2)
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.probs()


jax.jacobian(circuit)(0.5)
