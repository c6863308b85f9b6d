import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.QubitUnitary([[1, 0], [0, 2]], wires=0)
    return qj.expval(qj.Z(0))


circuit()
