import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.H(0)
    return qj.expval(qj.Z(0) @ qj.X(5))


circuit()
