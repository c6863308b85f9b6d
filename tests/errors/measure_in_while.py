import jax

import qjit as qj


def again(outcome):
    qj.H(0)
    return qj.measure(0)


@qj.qnode(wires=1)
def circuit():
    jax.lax.while_loop(lambda outcome: ~outcome, again, False)
    return qj.expval(qj.Z(0))


circuit()
