import qjit as qj


@qj.qnode(wires=1)
def inner():
    return qj.expval(qj.Z(0))


@qj.qnode(wires=2)
def circuit():
    qj.RX(inner(), wires=0)
    return qj.expval(qj.Z(0))


circuit()
