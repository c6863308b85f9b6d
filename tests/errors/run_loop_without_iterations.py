import qjit as qj


@qj.qnode(wires=2)
def circuit(count):
    angle = qj.for_loop(count)(lambda i: 0.5 * i)()
    qj.RX(angle, 0)
    return qj.expval(qj.Z(0))


circuit(0)
