import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.for_loop(0, 2)(lambda i: qj.Snapshot())()
    return qj.expval(qj.Z(0))


qj.snapshots(circuit)()
