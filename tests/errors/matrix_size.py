import numpy as np

import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.QubitUnitary(np.eye(4), wires=0)
    return qj.expval(qj.Z(0))


circuit()
