import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.StatePrep([1, 1, 0, 0], wires=[0, 1])
    return qj.expval(qj.Z(0))


circuit()
