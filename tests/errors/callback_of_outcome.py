from jax.experimental import io_callback

import qjit as qj


@qj.qnode(wires=1)
def circuit():
    qj.H(0)
    outcome = qj.measure(0)
    io_callback(print, None, outcome)
    return qj.expval(qj.Z(0))


circuit()
