import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.measure(wire, postselect=1)
    return qj.expval(qj.Z(0))


circuit(0)
