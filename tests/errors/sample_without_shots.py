import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.H(0)
    return qj.sample()


circuit()
