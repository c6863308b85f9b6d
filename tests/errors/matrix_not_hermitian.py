import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.H(0)
    return qj.expval(qj.Hermitian([[0, 1], [0, 0]], wires=0))


circuit()
