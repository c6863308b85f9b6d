import qjit as qj


@qj.qnode("quantum-computer", wires=2)
def circuit():
    qj.H(0)
    return qj.expval(qj.Z(0))


circuit()
