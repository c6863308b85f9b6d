import jax

import qjit as qj


@qj.qnode(wires=1, shots=100, diff_method="adjoint")
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


jax.grad(circuit)(0.5)
