import qjit as qj


@qj.qnode(wires=2)
def circuit(x):
    qj.MultiRZ(1 / x, wires=[0, 1])
    return qj.expval(qj.Z(0))


circuit(0.0)
