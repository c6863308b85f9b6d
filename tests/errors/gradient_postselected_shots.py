import jax

import qjit as qj


@qj.qnode(wires=2, shots=10)
def circuit(x):
    qj.RX(x, wires=0)
    qj.measure(0, postselect=0)
    qj.RX(x, wires=0)
    return qj.expval(qj.Z(1))


jax.grad(circuit)(0.3)
