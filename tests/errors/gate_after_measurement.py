import qjit as qj


@qj.qnode(wires=2)
def circuit():
    value = qj.expval(qj.Z(0))
    qj.H(0)
    return value


circuit()
