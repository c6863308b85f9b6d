import jax

import qjit as qj


@qj.qnode(wires=2)
def circuit(count):
    for wire in range(count):
        qj.H(wire)
    return qj.expval(qj.Z(0))


circuit(jax.numpy.int32(2))
