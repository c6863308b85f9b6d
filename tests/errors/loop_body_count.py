import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.for_loop(0, 2)(lambda i, x, y: x)(0.1, 0.2)
    return qj.expval(qj.Z(0))


circuit()
