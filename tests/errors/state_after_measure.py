import qjit as qj


@qj.qnode(wires=1)
def circuit():
    qj.H(0)
    qj.measure(0)
    return qj.state()


circuit()
