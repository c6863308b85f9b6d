import qjit as qj


@qj.qnode(wires=2, diff_method="magic")
def circuit():
    qj.H(0)
    return qj.expval(qj.Z(0))


circuit()
