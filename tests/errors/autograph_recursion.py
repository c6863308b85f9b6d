import qjit as qj


def total(n):
    return 0 if n == 0 else n + total(n - 1)


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(n):
    qj.RX(total(n), wires=0)
    return qj.expval(qj.Z(0))


circuit(3)
