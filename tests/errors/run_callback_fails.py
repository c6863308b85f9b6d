import jax

import qjit as qj


def measured(x):
    raise OSError("the instrument is off")


@qj.qnode(wires=2)
def circuit(x):
    qj.RX(jax.pure_callback(measured, x, x), wires=0)
    return qj.expval(qj.Z(0))


circuit(0.5)
