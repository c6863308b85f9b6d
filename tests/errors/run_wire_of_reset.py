import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.reset(wire)
    return qj.expval(qj.Z(0))


circuit(7)
