import jax

import qjit as qj


@qj.qnode(wires=1, shots=10)
def circuit(x):
    qj.RX(x, wires=0)
    found = qj.measure(0)
    return qj.expval(x * found)


jax.grad(circuit)(0.3)
