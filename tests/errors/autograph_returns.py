import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(x):
    def angle():
        if x > 0:
            return x

    qj.RX(angle(), wires=0)
    return qj.expval(qj.Z(0))


circuit(0.5)
