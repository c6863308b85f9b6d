import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.BasisState(4, wires=[0, 1])
    return qj.probs()


circuit()
