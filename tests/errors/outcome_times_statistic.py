import qjit as qj


@qj.qnode(wires=2, shots=10)
def circuit():
    outcome = qj.measure(0)
    return outcome * qj.expval(qj.Z(1))


circuit()
