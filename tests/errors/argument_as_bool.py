import qjit as qj


@qj.qnode(wires=2)
def circuit(angle):
    if angle > 0:
        qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


circuit(0.5)
