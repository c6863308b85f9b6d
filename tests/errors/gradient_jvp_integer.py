import qjit as qj


@qj.qnode(wires=1)
def circuit(x):
    qj.RX(x, wires=0)
    return qj.expval(qj.Z(0))


qj.jvp(circuit, (3,), (1.0,))
