import qjit as qj


@qj.qnode(wires=2)
def circuit(wire):
    bit = qj.measure(wire)
    qj.RX(1.0 * bit, wires=0)
    return qj.expval(qj.Z(0))


circuit(7)
