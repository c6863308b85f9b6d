import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.measure(0, postselect=2)
    return qj.expval(qj.Z(0))


circuit()
