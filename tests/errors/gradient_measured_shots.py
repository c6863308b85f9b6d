import jax

import qjit as qj


@qj.qnode(wires=2, shots=100)
def circuit(angle):
    qj.RX(angle, wires=0)
    qj.cond(qj.measure(0), qj.X)(1)
    return qj.expval(qj.Z(1))


jax.grad(circuit)(0.5)
