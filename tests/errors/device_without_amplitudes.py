import qjit as qj


class Sampler:
    gates = ("RX", "CNOT")

    def __init__(self, num_qubits, seed):
        pass

    def apply(self, name, parameters, wires):
        pass

    def sample(self, shots, wires):
        return [[0] * len(wires)] * shots


@qj.qnode(qj.device(Sampler, wires=2))
def circuit(x):
    qj.RX(x, 0)
    return qj.expval(qj.Z(0))


circuit(0.3)
