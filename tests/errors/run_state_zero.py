import numpy as np

import qjit as qj


@qj.qnode(wires=1)
def circuit(state):
    qj.StatePrep(state, wires=[0], normalize=True)
    return qj.expval(qj.Z(0))


circuit(np.zeros(2))
