import qjit as qj


@qj.qnode(wires=12)
def circuit(time):
    qj.evolve(qj.pauli_sum([0.5, 1.0], ["XXXXXXXXXXXX", "ZZZZZZZZZZZZ"]), time)
    return qj.probs([0])


circuit(0.3)
