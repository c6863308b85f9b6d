import qjit as qj


@qj.qnode(wires=1)
def circuit():
    qj.H(0)
    outcome = qj.measure(0)
    return outcome, qj.expval(qj.Z(0))


circuit()
