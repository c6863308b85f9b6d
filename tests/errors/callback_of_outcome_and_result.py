import jax

import qjit as qj


@qj.qnode(wires=2)
def circuit():
    qj.H(0)
    outcome = qj.measure(0)
    result = qj.expval(qj.Z(1))
    jax.debug.print("{} {}", outcome, result)
    return result


circuit()
