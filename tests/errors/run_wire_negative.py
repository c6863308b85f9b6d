import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    qj.RX(0.5, wires=wire)
    return qj.expval(qj.Z(0))


circuit(-1)
