import qjit as qj


@qj.qnode(wires=2)
def circuit():
    outcome = qj.measure(0)
    qj.cond(outcome, qj.X(1))
    return qj.probs(1)


circuit()
