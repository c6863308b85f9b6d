import qjit as qj


@qj.qnode(wires=1)
def circuit(n):
    qj.for_loop(0, n)(lambda i: qj.X(0))()
    return qj.probs()


qj.specs(circuit)(3).at(5)
