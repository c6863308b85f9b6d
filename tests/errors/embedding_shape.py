import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.AngleEmbedding([0.1, 0.2, 0.3], wires=[0, 1])
    return qj.expval(qj.Z(0))


circuit()
