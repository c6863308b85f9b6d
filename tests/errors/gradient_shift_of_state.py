import jax

import qjit as qj


@qj.qnode(wires=1, diff_method="parameter-shift")
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.state()


jax.jacfwd(circuit)(0.5)
