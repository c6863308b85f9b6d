import qjit as qj


@qj.qnode(wires=2)
def circuit(number):
    qj.BasisState(number, wires=[0, 1])
    return qj.probs()


circuit(4)
