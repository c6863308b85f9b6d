import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.for_loop(0, 2.0)(lambda i: qj.X(i))()
    return qj.expval(qj.Z(0))


circuit()
