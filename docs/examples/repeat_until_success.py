"""Apply a gate outside the Clifford+T set by trying until two ancillas read zero.

The circuit applies (1 + 2i Z) / sqrt(5) with probability 5/8, and otherwise nothing,
so it may be tried again (Paetznick and Svore, Quantum Inf. Comput. 14, 1277 (2014)).
"""

import math

import jax

import qjit as qj

SHOTS = 4000
V3_ANGLE = -2 * math.atan(2)  # RZ(angle) = (1 + 2i Z) / sqrt(5)


def attempt():
    """Try once on wire 2, and tell whether both ancillas read zero."""
    qj.H(0)
    qj.H(1)
    qj.Toffoli(wires=[0, 1, 2])
    qj.S(2)
    qj.Toffoli(wires=[0, 1, 2])
    qj.Z(2)
    qj.H(0)
    qj.H(1)
    first, second = qj.measure(0, reset=True), qj.measure(1, reset=True)
    return ~(first | second)


@qj.qjit
@qj.qnode(wires=3, shots=SHOTS, seed=7)
def v3():
    """Apply V3 to |+> and undo it exactly.

    Returns the mean number of tries, the share of shots that needed one, and wire 2.
    """
    qj.H(2)
    tries, _ = jax.lax.while_loop(
        lambda state: ~state[1],
        lambda state: (state[0] + 1, attempt()),
        (0, False),
    )
    qj.RZ(-V3_ANGLE, wires=2)
    qj.H(2)
    return qj.expval(tries), qj.expval(tries == 1), qj.sample(wires=[2])


def main():
    """Compare the number of tries with the geometric distribution."""
    tries, first, target = v3()
    print(f"wire 2 is back in |0> in all shots: {not target.any()}")
    print(f"mean number of tries {tries:.3f}, expected {8 / 5}")
    print(f"the first try succeeds in {first:.3f} of the shots, expected {5 / 8}")


if __name__ == "__main__":
    main()
