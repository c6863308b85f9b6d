"""Gates of quantum chemistry: rotations that keep the number of particles."""

# One step of a circuit on each line would hide the circuit.
# fmt: off
from math import pi

from .controlled import CNOT, CY, multi_controlled_phase
from .fourier import Angle, Matrix, Series, compose, cos, embedded, phase, sin
from .record import Step, gate
from .single_qubit import RX, RY, RZ, GlobalPhase, H, S, X
from .two_qubit import MIDDLE
from .variadic import MultiRZ


def rotation(phi: Angle) -> Matrix:
    """The real rotation by phi / 2."""
    c, s = cos(phi / 2), sin(phi / 2)
    return [[c, -s], [s, c]]


def _others(size: int, states: tuple[int, int], entry: Series) -> dict[int, Matrix]:
    return {k: [[entry]] for k in range(size) if k not in states}


@gate(
    2,
    decomposition=lambda phi: [
        H @ 0, CNOT @ (0, 1), RY(-phi / 2) @ 0, RY(-phi / 2) @ 1, CNOT @ (0, 1),
        H @ 0,
    ],
)
def SingleExcitation(phi: Angle) -> Matrix:
    """Rotates |01> into |10>."""
    return embedded(4, {MIDDLE: rotation(phi)})


def _signed_excitation(phi: Angle, sign: int) -> list[Step]:
    return [
        H @ 1, CNOT @ (1, 0), RY(phi / 2) @ 0, RY(phi / 2) @ 1, CY @ (1, 0), S @ 1,
        H @ 1, RZ(sign * phi / -2) @ 1, CNOT @ (0, 1),
        GlobalPhase(sign * phi / -4) @ (),
    ]


@gate(2, decomposition=lambda phi: _signed_excitation(phi, 1))
def SingleExcitationPlus(phi: Angle) -> Matrix:
    """SingleExcitation with the phase exp(i phi / 2) on the other states."""
    others = _others(4, MIDDLE, phase(phi / 2))
    return embedded(4, {MIDDLE: rotation(phi), **others})


@gate(2, decomposition=lambda phi: _signed_excitation(phi, -1))
def SingleExcitationMinus(phi: Angle) -> Matrix:
    """SingleExcitation with the phase exp(-i phi / 2) on the other states."""
    others = _others(4, MIDDLE, phase(-phi / 2))
    return embedded(4, {MIDDLE: rotation(phi), **others})


PAIRS = (3, 12)


def _double_excitation(phi: Angle) -> list[Step]:
    plus, minus = RY(phi / 8), RY(-phi / 8)
    return [
        CNOT @ (2, 3), CNOT @ (0, 2), H @ 3, H @ 0, CNOT @ (2, 3), CNOT @ (0, 1),
        plus @ 1, minus @ 0, CNOT @ (0, 3), H @ 3, CNOT @ (3, 1), plus @ 1, minus @ 0,
        CNOT @ (2, 1), CNOT @ (2, 0), minus @ 1, plus @ 0, CNOT @ (3, 1), H @ 3,
        CNOT @ (0, 3), minus @ 1, plus @ 0, CNOT @ (0, 1), CNOT @ (2, 0), H @ 0,
        H @ 3, CNOT @ (0, 2), CNOT @ (2, 3),
    ]


def _signed_double_excitation(phi: Angle, sign: int) -> list[Step]:
    select = [CNOT @ (0, 1), CNOT @ (2, 3), CNOT @ (0, 2), X @ 1, X @ 3]
    return [
        DoubleExcitation(phi) @ (0, 1, 2, 3), GlobalPhase(sign * phi / -2) @ (),
        *select, *multi_controlled_phase(sign * phi / -2, (1, 3, 2)),
        *reversed(select),
    ]


@gate(4, decomposition=_double_excitation)
def DoubleExcitation(phi: Angle) -> Matrix:
    """Rotates |0011> into |1100>."""
    return embedded(16, {PAIRS: rotation(phi)})


@gate(4, decomposition=lambda phi: _signed_double_excitation(phi, 1))
def DoubleExcitationPlus(phi: Angle) -> Matrix:
    """DoubleExcitation with the phase exp(i phi / 2) on the other states."""
    others = _others(16, PAIRS, phase(phi / 2))
    return embedded(16, {PAIRS: rotation(phi), **others})


@gate(4, decomposition=lambda phi: _signed_double_excitation(phi, -1))
def DoubleExcitationMinus(phi: Angle) -> Matrix:
    """DoubleExcitation with the phase exp(-i phi / 2) on the other states."""
    others = _others(16, PAIRS, phase(-phi / 2))
    return embedded(16, {PAIRS: rotation(phi), **others})


def _fermionic_swap(phi: Angle) -> list[Step]:
    quarter, back, zz = RX(pi / 2), RX(-pi / 2), MultiRZ(phi / 2) @ (0, 1)
    return [
        H @ 0, H @ 1, zz, H @ 0, H @ 1, quarter @ 0, quarter @ 1, zz, back @ 0,
        back @ 1, RZ(phi / 2) @ 0, RZ(phi / 2) @ 1, GlobalPhase(phi / -2) @ (),
    ]


@gate(2, decomposition=_fermionic_swap)
def FermionicSWAP(phi: Angle) -> Matrix:
    """Exchanges two fermionic modes by the angle phi; pi is the whole exchange."""
    half = phase(phi / 2)
    c, s = half * cos(phi / 2), -1j * half * sin(phi / 2)
    return embedded(4, {MIDDLE: [[c, s], [s, c]], 3: [[phase(phi)]]})


def _hop(phi: Angle, left: int) -> Matrix:
    middle, right = left >> 1, left >> 2
    blocks: dict[int | tuple[int, ...], Matrix] = {}
    for state in range(16):
        if state & right and not state & left:
            sign = -1 if state & middle else 1
            blocks[state, state ^ left ^ right] = rotation(sign * phi)
    return embedded(16, blocks)


@gate(
    4,
    decomposition=lambda phi: [
        FermionicSWAP(pi) @ (1, 2), SingleExcitation(phi) @ (0, 1),
        SingleExcitation(phi) @ (2, 3), FermionicSWAP(pi) @ (1, 2),
    ],
)
def OrbitalRotation(phi: Angle) -> Matrix:
    """Rotates two spatial orbitals, both spins at once."""
    return compose(_hop(phi, 0b1000), _hop(phi, 0b0100))
