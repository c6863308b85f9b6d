import qjit as qj


@qj.qnode(wires=2, shots=10)
def circuit():
    return qj.counts(qj.measure(0) - qj.measure(1))


circuit()
