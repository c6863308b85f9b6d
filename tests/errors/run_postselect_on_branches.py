import qjit as qj


@qj.qnode(wires=2, shots=10, seed=1)
def circuit():
    qj.H(0)
    qj.measure(0)
    qj.measure(1, postselect=1)
    return qj.sample()


circuit()
