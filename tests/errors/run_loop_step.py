import qjit as qj


@qj.qnode(wires=2)
def circuit(step):
    qj.for_loop(0, 2, step)(lambda i: qj.X(i))()
    return qj.expval(qj.Z(0))


circuit(0)
