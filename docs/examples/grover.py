"""Search for a marked item with a number of iterations given at run time.

Grover, Phys. Rev. Lett. 79, 325 (1997). One compiled program serves any marked item
and any number of iterations.
"""

import math

import jax
import jax.numpy as jnp

import qjit as qj

WIRES = 6


def mark(item):
    """Flip the sign of one basis state, given as a traced integer."""
    bits = [(item >> place) & 1 for place in reversed(range(WIRES))]
    for _ in range(2):  # before and after, so that only the item reads all ones
        for wire, bit in enumerate(bits):
            qj.cond(bit == 0, qj.X)(wire)
        if _ == 0:
            qj.ctrl(qj.Z, control=range(WIRES - 1))(wires=WIRES - 1)


@qj.qjit
@qj.qnode(wires=WIRES)
def search(item, iterations):
    """The probabilities of all items after some iterations."""
    for wire in range(WIRES):
        qj.H(wire)

    @qj.for_loop(0, iterations)
    def rotate(_):
        mark(item)
        qj.GroverOperator(wires=range(WIRES))

    rotate()
    return qj.probs()


def main():
    """Search with too few, the best, and too many iterations."""
    best = math.floor(math.pi / 4 * math.sqrt(2**WIRES))
    chances = jax.vmap(search, in_axes=(None, 0))(45, jnp.array([1, best, 2 * best]))
    for count, chance in zip((1, best, 2 * best), chances[:, 45], strict=True):
        print(f"{count:2d} iterations find item 45 with probability {chance:.4f}")


if __name__ == "__main__":
    main()
