import qjit as qj


@qj.qnode
def circuit(wire):
    qj.H("a")
    qj.X(wire)
    return qj.expval(qj.Z("a"))


circuit(1)
