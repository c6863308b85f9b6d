import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.ctrl(qj.X, control=0, control_values=2)(1)
    return qj.expval(qj.Z(0))


circuit()
