import qjit as qj


@qj.qnode(wires=["a", 7])
def circuit():
    qj.H("a")
    return qj.expval(qj.Z(0))


circuit()
