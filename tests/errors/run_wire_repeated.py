import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.CNOT(wires=[1, wire])
    return qj.expval(qj.Z(0))


circuit(1)
