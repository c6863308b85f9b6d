import qjit as qj


@qj.qnode(wires=2)
def circuit(x):
    qj.debug_assert(x < 1, "x is at most 1")
    qj.RX(x, 0)
    return qj.expval(qj.Z(0))


circuit(2.0)
