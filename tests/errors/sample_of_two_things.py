import qjit as qj


@qj.qnode(wires=2, shots=10)
def circuit():
    return qj.sample(op=qj.measure(0), wires=1)


circuit()
