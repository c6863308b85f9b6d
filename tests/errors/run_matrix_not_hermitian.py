import numpy as np

import qjit as qj


@qj.qnode(wires=1)
def circuit(matrix):
    qj.H(0)
    return qj.expval(qj.Hermitian(matrix, wires=0))


circuit(np.array([[1.0, 2.0], [0.0, 1.0]]))
