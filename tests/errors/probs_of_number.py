import qjit as qj


@qj.qnode(wires=2)
def circuit():
    return qj.probs(op=qj.measure(0) + qj.measure(1))


circuit()
