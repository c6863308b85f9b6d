import qjit as qj


def flip():
    qj.X(1)
    return 0.5


def keep():
    qj.X(0)


@qj.qnode(wires=2)
def circuit():
    qj.cond(qj.measure(0), flip, keep)()
    return qj.expval(qj.Z(0))


circuit()
