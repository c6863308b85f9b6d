import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.StatePrep([0, 1, 0, 0], wires=[0, wire])
    return qj.expval(qj.Z(0))


circuit(0)
