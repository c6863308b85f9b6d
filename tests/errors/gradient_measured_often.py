import jax

import qjit as qj


@qj.qnode(wires=1)
def circuit(angle):
    def turn(_, total):
        qj.RX(angle, wires=0)
        return total + qj.measure(0)

    return qj.expval(jax.lax.fori_loop(0, 40, turn, 0))


jax.grad(circuit)(0.5)
