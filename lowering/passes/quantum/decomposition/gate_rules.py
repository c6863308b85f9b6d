"""Rules that replace a gate by others, besides the decompositions of the records.

Each is a function from the angles of a gate to steps, like a record's decomposition.
"""

# One step of a circuit on each line would hide the circuit.
# fmt: off
from collections.abc import Callable, Mapping
from math import pi
from typing import Any

from qjit.dialects.gates import GATES, Step

H, X, Y, Z, S, T, SX = (GATES[name] for name in ("H", "X", "Y", "Z", "S", "T", "SX"))
RX, RY, RZ, Rot = (GATES[name] for name in ("RX", "RY", "RZ", "Rot"))
PhaseShift, GlobalPhase = GATES["PhaseShift"], GATES["GlobalPhase"]
GPI, GPI2, PRX = (GATES[name] for name in ("GPI", "GPI2", "PRX"))
CNOT, CZ, CRY = (GATES[name] for name in ("CNOT", "CZ", "CRY"))
XX, YY, ZZ, XY = (GATES[f"Ising{word}"] for word in ("XX", "YY", "ZZ", "XY"))
ECR = GATES["ECR"]
HALF = pi / 2


def phase(angle: Any) -> Step:
    """The phase exp(i angle)."""
    return GlobalPhase(-angle) @ ()


Steps = Callable[..., list[Step]]

SINGLE_QUBIT: Mapping[str, tuple[Steps, ...]] = {
    "H": (
        lambda: [RY(-pi / 4) @ 0, Z @ 0, RY(pi / 4) @ 0],
        lambda: [RZ(HALF) @ 0, SX @ 0, RZ(HALF) @ 0, phase(pi / 4)],
        lambda: [RZ(HALF) @ 0, RX(HALF) @ 0, RZ(HALF) @ 0, phase(HALF)],
        lambda: [RY(HALF) @ 0, X @ 0],
        lambda: [GPI2(HALF) @ 0, GPI(0.0) @ 0],
    ),
    "X": (
        lambda: [H @ 0, Z @ 0, H @ 0],
        lambda: [SX @ 0, SX @ 0],
        lambda: [RX(pi) @ 0, phase(HALF)],
        lambda: [GPI(0.0) @ 0],
    ),
    "Y": (
        lambda: [RZ(-HALF) @ 0, X @ 0, RZ(HALF) @ 0],
        lambda: [Z @ 0, X @ 0, phase(HALF)],
        lambda: [GPI(HALF) @ 0],
    ),
    "Z": (
        lambda: [S @ 0, S @ 0],
        lambda: [H @ 0, X @ 0, H @ 0],
        lambda: [RZ(pi) @ 0, phase(HALF)],
    ),
    "S": (
        lambda: [T @ 0, T @ 0],
        lambda: [RZ(HALF) @ 0, phase(pi / 4)],
    ),
    "T": (lambda: [RZ(pi / 4) @ 0, phase(pi / 8)],),
    "SX": (
        lambda: [H @ 0, S @ 0, H @ 0],
        lambda: [RX(HALF) @ 0, phase(pi / 4)],
        lambda: [GPI2(0.0) @ 0, phase(pi / 4)],
    ),
    "RX": (
        lambda phi: [H @ 0, RZ(phi) @ 0, H @ 0],
        lambda phi: [
            RZ(HALF) @ 0, SX @ 0, RZ(phi + pi) @ 0, SX @ 0, RZ(HALF) @ 0, phase(HALF),
        ],
        lambda phi: [PRX(phi, 0.0) @ 0],
        lambda phi: [
            GPI2(HALF) @ 0, GPI(phi / 2 + HALF) @ 0, GPI2(HALF) @ 0, phase(HALF),
        ],
    ),
    "RY": (
        lambda phi: [RZ(-HALF) @ 0, RX(phi) @ 0, RZ(HALF) @ 0],
        lambda phi: [PhaseShift(-HALF) @ 0, RX(phi) @ 0, S @ 0],
        lambda phi: [
            SX @ 0, RZ(phi - pi) @ 0, SX @ 0, RZ(pi) @ 0, phase(-HALF),
        ],
        lambda phi: [PRX(phi, HALF) @ 0],
        lambda phi: [GPI2(0.0) @ 0, GPI(phi / -2) @ 0, GPI2(0.0) @ 0, phase(HALF)],
    ),
    "RZ": (
        lambda phi: [PhaseShift(phi) @ 0, phase(phi / -2)],
        lambda phi: [H @ 0, RX(phi) @ 0, H @ 0],
        lambda phi: [RX(-HALF) @ 0, RY(phi) @ 0, RX(HALF) @ 0],
        lambda phi: [PRX(pi, 0.0) @ 0, PRX(pi, phi / 2) @ 0, phase(pi)],
        lambda phi: [GPI(0.0) @ 0, GPI(phi / 2) @ 0],
    ),
    "PhaseShift": (
        lambda phi: [RZ(phi) @ 0, phase(phi / 2)],
    ),
    "Rot": (
        lambda phi, theta, omega: [
            RZ(phi) @ 0, SX @ 0, RZ(theta - pi) @ 0, SX @ 0, RZ(omega + pi) @ 0,
            phase(-HALF),
        ],
        lambda phi, theta, omega: [PRX(theta, HALF - phi) @ 0, RZ(phi + omega) @ 0],
    ),
    "PRX": (
        lambda theta, phi: [Rot(HALF - phi, theta, phi - HALF) @ 0],
        lambda theta, phi: [RZ(-phi) @ 0, RX(theta) @ 0, RZ(phi) @ 0],
        lambda theta, phi: [
            GPI2(phi + HALF) @ 0, GPI(theta / 2 + phi + HALF) @ 0, GPI2(phi + HALF) @ 0,
            phase(HALF),
        ],
    ),
    "GPI": (
        lambda phi: [RZ(-phi) @ 0, X @ 0, RZ(phi) @ 0],
        lambda phi: [X @ 0, RZ(2 * phi) @ 0],
        lambda phi: [GPI2(phi) @ 0, GPI2(phi) @ 0, phase(HALF)],
    ),
    "GPI2": (
        lambda phi: [RZ(-phi) @ 0, SX @ 0, RZ(phi) @ 0, phase(pi / -4)],
        lambda phi: [PRX(HALF, phi) @ 0],
    ),
}

TWO_QUBIT: Mapping[str, tuple[Steps, ...]] = {
    "SWAP": (
        lambda: [
            XX(-HALF) @ (0, 1), YY(-HALF) @ (0, 1), ZZ(-HALF) @ (0, 1), phase(pi / -4),
        ],
    ),
    "ISWAP": (lambda: [XY(pi) @ (0, 1)],),
    "SISWAP": (lambda: [XY(HALF) @ (0, 1)],),
    "PSWAP": (
        lambda phi: [
            CNOT @ (0, 1), PhaseShift(phi) @ 1, CNOT @ (1, 0), CNOT @ (0, 1),
        ],
    ),
    "IsingXX": (
        lambda phi: [H @ 0, H @ 1, ZZ(phi) @ (0, 1), H @ 0, H @ 1],
        lambda phi: [H @ 1, CZ @ (0, 1), RX(phi) @ 0, CZ @ (0, 1), H @ 1],
    ),
    "IsingYY": (
        lambda phi: [
            RZ(-HALF) @ 0, RZ(-HALF) @ 1, XX(phi) @ (0, 1), RZ(HALF) @ 0, RZ(HALF) @ 1,
        ],
        lambda phi: [
            RX(HALF) @ 0, RX(HALF) @ 1, ZZ(phi) @ (0, 1), RX(-HALF) @ 0, RX(-HALF) @ 1,
        ],
    ),
    "IsingZZ": (
        lambda phi: [H @ 0, H @ 1, XX(phi) @ (0, 1), H @ 0, H @ 1],
        lambda phi: [H @ 1, CZ @ (0, 1), RX(phi) @ 1, CZ @ (0, 1), H @ 1],
    ),
    "IsingXY": (
        lambda phi: [XX(phi / -2) @ (0, 1), YY(phi / -2) @ (0, 1)],
        lambda phi: [
            S @ 1, GATES["SingleExcitation"](phi) @ (0, 1), PhaseShift(-HALF) @ 1,
        ],
    ),
    "SingleExcitation": (
        lambda phi: [PhaseShift(-HALF) @ 1, XY(phi) @ (0, 1), S @ 1],
        lambda phi: [CNOT @ (0, 1), CRY(phi) @ (1, 0), CNOT @ (0, 1)],
    ),
    "SingleExcitationPlus": (
        lambda phi: [
            GATES["SingleExcitation"](phi) @ (0, 1), ZZ(phi / -2) @ (0, 1),
            phase(phi / 4),
        ],
    ),
    "SingleExcitationMinus": (
        lambda phi: [
            GATES["SingleExcitation"](phi) @ (0, 1), ZZ(phi / 2) @ (0, 1),
            phase(phi / -4),
        ],
    ),
}

# Rules of gates under one control.
CONTROLLED: Mapping[str, tuple[Steps, ...]] = {
    "X": (
        lambda: [H @ 1, CZ @ (0, 1), H @ 1],
        lambda: [
            H @ 0, XX(HALF) @ (0, 1), RX(-HALF) @ 0, RX(-HALF) @ 1, H @ 0,
            phase(pi / -4),
        ],
        lambda: [
            Z @ 0, ECR @ (0, 1), RX(-HALF) @ 1, RX(-HALF) @ 0, RY(-HALF) @ 0,
            RX(-HALF) @ 0, phase(pi / -4),
        ],
    ),
    "Y": (lambda: [PhaseShift(-HALF) @ 1, CNOT @ (0, 1), S @ 1],),
    "Z": (
        lambda: [
            ZZ(HALF) @ (0, 1), RZ(-HALF) @ 0, RZ(-HALF) @ 1, phase(pi / -4),
        ],
    ),
    "RX": (
        lambda phi: [RX(phi / 2) @ 1, CZ @ (0, 1), RX(phi / -2) @ 1, CZ @ (0, 1)],
        lambda phi: [H @ 0, XX(phi / -2) @ (0, 1), H @ 0, RX(phi / 2) @ 1],
    ),
    "RY": (
        lambda phi: [RY(phi / 2) @ 1, CZ @ (0, 1), RY(phi / -2) @ 1, CZ @ (0, 1)],
    ),
    "RZ": (lambda phi: [ZZ(phi / -2) @ (0, 1), RZ(phi / 2) @ 1],),
    "PhaseShift": (
        lambda phi: [
            ZZ(phi / -2) @ (0, 1), RZ(phi / 2) @ 0, RZ(phi / 2) @ 1, phase(phi / 4),
        ],
    ),
}

# Rules of gates with the adjoint flag, which their other rules reversed lack.
ADJOINT: Mapping[str, tuple[Steps, ...]] = {
    "S": (lambda: [S @ 0, Z @ 0],),
    "T": (lambda: [T @ 0, PhaseShift(-HALF) @ 0],),
    "SX": (
        lambda: [SX @ 0, X @ 0],
        lambda: [RZ(pi) @ 0, SX @ 0, RZ(pi) @ 0, phase(HALF)],
    ),
}
