import qjit as qj


@lambda f: qj.qjit(f, autograph=True)
@qj.qnode(wires=1)
def circuit(x):
    qj.RX(locals()["x"], wires=0)
    return qj.expval(qj.Z(0))


circuit(0.5)
