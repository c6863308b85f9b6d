import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.H(0)
    return qj.expval(qj.Z(wire))


circuit(2)
