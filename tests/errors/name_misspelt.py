import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.RXX(0.3, wires=[0, 1])
    return qj.expval(qj.Z(0))


circuit()
