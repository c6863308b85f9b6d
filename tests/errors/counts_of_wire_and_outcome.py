import qjit as qj


@qj.qnode(wires=2, shots=10)
def circuit():
    qj.H(0)
    return qj.counts([qj.measure(0), 1])


circuit()
