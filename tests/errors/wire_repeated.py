import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.CNOT(wires=[1, 1])
    return qj.expval(qj.Z(0))


circuit()
