import qjit as qj


@qj.qnode(wires=2.5)
def circuit():
    qj.H(0)
    return qj.expval(qj.Z(0))


circuit()
