import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit(matrix):
    qj.QubitUnitary(matrix, wires=0)
    return qj.expval(qj.Z(0))


circuit(2 * np.eye(2))
