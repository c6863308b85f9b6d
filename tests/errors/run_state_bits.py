import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit(bits):
    qj.BasisState(bits, wires=[0, 1])
    return qj.expval(qj.Z(0))


circuit(np.array([0, 2]))
