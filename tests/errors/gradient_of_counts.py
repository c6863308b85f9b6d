import qjit as qj


@qj.qnode(wires=1, shots=10)
def circuit(x):
    qj.RX(x, wires=0)
    return qj.counts()[1]


qj.jacobian(circuit)(0.3)
