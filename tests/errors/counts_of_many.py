import qjit as qj


@qj.qnode(wires=40, shots=5)
def circuit():
    qj.H(0)
    return qj.counts()


circuit()
