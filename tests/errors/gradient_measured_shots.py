import jax

import qjit as qj


@qj.qnode(wires=2, shots=10)
def circuit(x):
    qj.RX(x, wires=0)
    turned = x * qj.measure(0)
    qj.RX(turned, wires=1)
    return qj.expval(qj.Z(1))


jax.grad(circuit)(0.3)
