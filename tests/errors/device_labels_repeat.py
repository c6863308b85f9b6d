import qjit as qj


@qj.qnode(wires=["a", "b", "a"])
def circuit():
    qj.H("a")
    return qj.expval(qj.Z("a"))


circuit()
