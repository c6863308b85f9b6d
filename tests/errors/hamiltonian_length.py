import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.H(0)
    return qj.expval(qj.Hamiltonian([0.5], [qj.Z(0), qj.X(1)]))


circuit()
