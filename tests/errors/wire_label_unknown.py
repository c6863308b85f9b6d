import qjit as qj


@qj.qnode(wires=["a", 7])
def circuit():
    qj.H("b")
    return qj.expval(qj.Z("a"))


circuit()
