import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.QFT(wires=[0, 1], inverse=True)
    return qj.probs()


circuit()
