import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit(state):
    qj.H(0)
    qj.StatePrep(state, wires=[0, 1])
    return qj.expval(qj.Z(0))


circuit(np.ones(4))
