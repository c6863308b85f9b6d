import qjit as qj

operator = qj.dot([0.5, 2.0], [qj.X(0), qj.Z(0)], grouping_type="qwc")


@qj.qnode(wires=1)
def circuit():
    return qj.expval(operator)


circuit()
