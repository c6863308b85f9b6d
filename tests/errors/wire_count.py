import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.CNOT(wires=[0, 1, 2])
    return qj.expval(qj.Z(0))


circuit()
