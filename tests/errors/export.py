import jax

import qjit as qj


@qj.qnode(wires=1)
def circuit(angle):
    qj.RX(angle, 0)
    return qj.expval(qj.Z(0))


jax.export.export(jax.jit(circuit))(0.5)
