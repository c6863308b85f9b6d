import qjit as qj


@qj.qnode(wires="two")
def circuit():
    qj.H(0)
    return qj.expval(qj.Z(0))


circuit()
