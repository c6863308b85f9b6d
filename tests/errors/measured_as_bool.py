import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.H(0)
    if qj.measure(0):
        qj.X(1)
    return qj.expval(qj.Z(0))


circuit()
