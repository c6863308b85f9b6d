import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.H(0)
    qj.RX(0.5, wires=7)
    return qj.expval(qj.Z(0))


circuit()
