import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit(bits):
    qj.H(0)
    return qj.expval(qj.Projector(bits, wires=[0, 1]))


circuit(np.array([0.5, 1.0]))
