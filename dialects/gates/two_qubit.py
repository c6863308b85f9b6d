"""Gates on two targets."""

# One step of a circuit on each line would hide the circuit.
# fmt: off
from math import pi, sqrt

from .controlled import CNOT, CY, Toffoli
from .fourier import Angle, Matrix, cos, diagonal, embedded, phase, sin
from .record import Step, controlled, gate
from .single_qubit import RX, RY, RZ, SX, H, PhaseShift, S, Z

R = 1 / sqrt(2)
MIDDLE = (1, 2)


@gate(
    2, qasm="swap", qir="swap",
    decomposition=lambda: [CNOT @ (0, 1), CNOT @ (1, 0), CNOT @ (0, 1)],
)
def SWAP() -> Matrix:
    """Exchanges two qubits."""
    return embedded(4, {MIDDLE: [[0, 1], [1, 0]]})


CSWAP = controlled(
    SWAP, "CSWAP", "SWAP under one control.", qasm="cswap",
    decomposition=lambda: [CNOT @ (2, 1), Toffoli @ (0, 1, 2), CNOT @ (2, 1)],
)


@gate(
    2, decomposition=lambda: [S @ 0, S @ 1, H @ 0, CNOT @ (0, 1), CNOT @ (1, 0), H @ 1],
)
def ISWAP() -> Matrix:
    """Exchanges two qubits, with a factor i on what moves."""
    return embedded(4, {MIDDLE: [[0, 1j], [1j, 0]]})


def _siswap() -> list[Step]:
    half = [SX @ 0, RZ(pi / 2) @ 0, CNOT @ (0, 1), SX @ 0, RZ(7 * pi / 4) @ 0, SX @ 0]
    rest = [RZ(pi / 2) @ 0, SX @ 1, RZ(7 * pi / 4) @ 1, CNOT @ (0, 1), SX @ 0, SX @ 1]
    return half + rest


@gate(2, aliases=("SQISW",), decomposition=_siswap)
def SISWAP() -> Matrix:
    """The square root of ISWAP."""
    return embedded(4, {MIDDLE: [[R, R * 1j], [R * 1j, R]]})


@gate(
    2,
    decomposition=lambda: [
        Z @ 0, CNOT @ (0, 1), SX @ 1, RX(pi / 2) @ 0, RY(pi / 2) @ 0, RX(pi / 2) @ 0,
    ],
)
def ECR() -> Matrix:
    """The echoed cross resonance gate."""
    i = R * 1j
    return [[0, 0, R, i], [0, 0, i, R], [R, -i, 0, 0], [-i, R, 0, 0]]


@gate(
    2,
    decomposition=lambda phi: [
        SWAP @ (0, 1), CNOT @ (0, 1), PhaseShift(phi) @ 1, CNOT @ (0, 1),
    ],
)
def PSWAP(phi: Angle) -> Matrix:
    """SWAP with the phase exp(i phi) on what moves."""
    return embedded(4, {MIDDLE: [[0, phase(phi)], [phase(phi), 0]]})


@gate(
    2, qir="rxx", decomposition=lambda phi: [CNOT @ (0, 1), RX(phi) @ 0, CNOT @ (0, 1)],
)
def IsingXX(phi: Angle) -> Matrix:
    """exp(-i phi XX / 2)."""
    c, s = cos(phi / 2), -1j * sin(phi / 2)
    return [[c, 0, 0, s], [0, c, s, 0], [0, s, c, 0], [s, 0, 0, c]]


@gate(2, qir="ryy", decomposition=lambda phi: [CY @ (0, 1), RY(phi) @ 0, CY @ (0, 1)])
def IsingYY(phi: Angle) -> Matrix:
    """exp(-i phi YY / 2)."""
    c, s = cos(phi / 2), -1j * sin(phi / 2)
    return [[c, 0, 0, -s], [0, c, s, 0], [0, s, c, 0], [-s, 0, 0, c]]


@gate(
    2, qir="rzz", decomposition=lambda phi: [CNOT @ (0, 1), RZ(phi) @ 1, CNOT @ (0, 1)],
)
def IsingZZ(phi: Angle) -> Matrix:
    """exp(-i phi ZZ / 2)."""
    even, odd = phase(-phi / 2), phase(phi / 2)
    return diagonal([even, odd, odd, even])


@gate(
    2,
    decomposition=lambda phi: [
        H @ 0, CY @ (0, 1), RY(phi / 2) @ 0, RX(-phi / 2) @ 1, CY @ (0, 1), H @ 0,
    ],
)
def IsingXY(phi: Angle) -> Matrix:
    """exp(i phi (XX + YY) / 4)."""
    c, s = cos(phi / 2), 1j * sin(phi / 2)
    return embedded(4, {MIDDLE: [[c, s], [s, c]]})
