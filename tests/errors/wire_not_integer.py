import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.RX(0.5, wires=0.5)
    return qj.expval(qj.Z(0))


circuit()
