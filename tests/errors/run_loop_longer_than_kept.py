import jax

import qjit as qj


@qj.qnode(wires=1)
def circuit(x, turns):
    qj.adjoint(lambda: jax.lax.fori_loop(0, turns, lambda _, c: repeat(x, c), 0.1))()
    return qj.expval(qj.Z(0))


def repeat(x, c):
    qj.RX(x * c, wires=0)
    return c


circuit(0.3, 2000)
