import qjit as qj


@qj.qnode(wires=1)
def circuit(turns):
    qj.RX(turns, wires=0)
    return qj.expval(qj.Z(0))


qj.grad(circuit)(3)
