import numpy as np

import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(x):
    if x > 0:
        qj.X(0)
    return qj.expval(qj.Z(0))


circuit(np.zeros(3))
