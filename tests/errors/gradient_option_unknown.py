import qjit as qj


@qj.qnode(wires=1, diff_method="finite-diff", gradient_kwargs={"step": 0.1})
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))
