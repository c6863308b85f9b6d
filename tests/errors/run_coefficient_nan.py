import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit(coefficients):
    qj.H(0)
    return qj.expval(qj.Hamiltonian(coefficients, [qj.X(0), qj.Z(1)]))


circuit(np.array([1.0, np.nan]))
