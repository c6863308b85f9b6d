import qjit as qj


@qj.qnode(wires=1)
def circuit():
    qj.X(0)
    return qj.probs()


qj.draw(circuit, level="merge-rotation")()
