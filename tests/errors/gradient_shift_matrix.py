import jax

import qjit as qj


@qj.qnode(wires=7, diff_method="hadamard")
def circuit(time):
    words = ["XXXXXXX", "ZIIIIII"]
    qj.evolve(qj.pauli_sum([0.5, 1.0], words), time)
    return qj.probs([0])


jax.jacrev(circuit)(0.3)
