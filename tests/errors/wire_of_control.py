import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.ctrl(qj.X, control=0)(0)
    return qj.expval(qj.Z(0))


circuit()
