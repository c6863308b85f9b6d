import qjit as qj


@qj.qnode(wires=1)
def circuit(angle):
    qj.RX(angle, wires=0)
    return qj.expval(qj.Z(0))


qj.qjit(circuit, pipeline=("select-kernels", "cancel-inverses"))
