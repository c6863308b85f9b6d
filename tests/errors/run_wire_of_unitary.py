import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.QubitUnitary(np.eye(2), wires=wire)
    return qj.expval(qj.Z(0))


circuit(7)
