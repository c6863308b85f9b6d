import qjit as qj


@qj.qnode(wires=2)
def circuit():
    return qj.measure(wires=[0, 1])


circuit()
