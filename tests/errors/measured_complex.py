import qjit as qj


@qj.qnode(wires=1)
def circuit():
    qj.H(0)
    return qj.expval(1j * qj.measure(0))


circuit()
