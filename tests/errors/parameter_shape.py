import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit(angles):
    qj.RX(angles, wires=0)
    return qj.expval(qj.Z(0))


circuit(np.ones(3))
