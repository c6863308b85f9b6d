import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.H(0)
    return qj.probs([0, wire])


circuit(-1)
