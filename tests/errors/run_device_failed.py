import qjit as qj


class Warm:
    gates = ("RX", "CNOT")

    def __init__(self, num_qubits, seed):
        pass

    def apply(self, name, parameters, wires):
        if name == "CNOT":
            raise RuntimeError("the cryostat is warm.")

    def sample(self, shots, wires):
        return [[0] * len(wires)] * shots


@qj.qnode(qj.device(Warm, wires=2, shots=10))
def circuit(x):
    qj.RX(x, 0)
    qj.CNOT([0, 1])
    return qj.sample()


circuit(0.3)
