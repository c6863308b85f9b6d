import qjit as qj


@qj.qnode(wires=2)
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


circuit()
