import qjit as qj

kept = []


@qj.qnode(wires=1)
def first(angle):
    kept.append(2 * angle)
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


@qj.qnode(wires=1)
def second(angle):
    qj.RX(angle + kept[0], wires=0)
    return qj.expval(qj.Z(0))


first(0.1)
second(0.2)
