import qjit as qj


@qj.qnode(wires=1)
def circuit(x):
    qj.RX(x, wires=0)
    return qj.probs()


qj.grad(circuit)(0.3)
