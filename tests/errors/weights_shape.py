import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.StronglyEntanglingLayers(np.ones((2, 3, 3)), wires=[0, 1])
    return qj.expval(qj.Z(0))


circuit()
