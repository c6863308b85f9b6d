import jax

import qjit as qj


def step(wire, carry):
    qj.H(wire)
    return carry


@qj.qnode(wires=2)
def circuit(count):
    jax.lax.fori_loop(0, count, step, None)
    return qj.expval(qj.Z(0))


circuit(3)
