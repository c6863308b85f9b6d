import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(n):
    angles = []
    for i in range(n):
        angles.append(0.1 * i)
    qj.RX(sum(angles), wires=0)
    return qj.expval(qj.Z(0))


circuit(3)
