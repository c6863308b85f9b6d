import qjit as qj


@qj.qnode(wires=2)
def circuit(angle):
    qj.RX(float(angle), wires=0)
    return qj.expval(qj.Z(0))


circuit(0.5)
