import jax

import qjit as qj


def flip(_, carry):
    qj.H(0)
    qj.measure(0)
    return carry


@qj.qnode(wires=1)
def circuit():
    jax.lax.fori_loop(0, 70, flip, 0)
    return qj.expval(qj.Z(0))


circuit()
