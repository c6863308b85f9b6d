import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.RX("half", wires=0)
    return qj.expval(qj.Z(0))


circuit()
