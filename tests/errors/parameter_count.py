import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.Rot(0.1, 0.2, wires=0)
    return qj.expval(qj.Z(0))


circuit()
