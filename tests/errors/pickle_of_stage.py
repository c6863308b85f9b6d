import pickle

import qjit as qj


@qj.qjit
@qj.qnode(wires=1)
def circuit(angle):
    qj.RX(angle, 0)
    return qj.expval(qj.Z(0))


pickle.dumps(circuit.lower(0.5).compile())
