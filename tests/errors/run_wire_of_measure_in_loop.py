import jax

import qjit as qj


@qj.qnode(wires=3, shots=20)
def circuit(count):
    def step(wire, total):
        qj.H(0)
        return total + qj.measure(wire)

    total = jax.lax.fori_loop(0, 5, step, count)
    return qj.expval(total)


circuit(3)
