import qjit as qj


@qj.qnode(wires=40, dtype="complex64")
def circuit():
    qj.H(39)
    return qj.state()


circuit()
