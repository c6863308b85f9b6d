"""Gates with fixed controls: each record names its base and what it adds."""

# One step of a circuit on each line would hide the circuit.
# fmt: off
from math import pi

from .fourier import Angle
from .record import Step, controlled
from .single_qubit import RX, RY, RZ, GlobalPhase, H, PhaseShift, Rot, T, X, Y, Z

CNOT = controlled(
    X, "CNOT", "X under one control.", aliases=("CX",), qasm="cx", qir="cx",
)

CY = controlled(
    Y, "CY", "Y under one control.", qasm="cy", qir="cy",
    decomposition=lambda: [RZ(-pi / 2) @ 1, CNOT @ (0, 1), RZ(pi / 2) @ 1],
)

CZ = controlled(
    Z, "CZ", "Z under one control.", qasm="cz", qir="cz",
    decomposition=lambda: [H @ 1, CNOT @ (0, 1), H @ 1],
)

CH = controlled(
    H, "CH", "Hadamard under one control.", qasm="ch",
    decomposition=lambda: [RY(-pi / 4) @ 1, CZ @ (0, 1), RY(pi / 4) @ 1],
)

ControlledPhaseShift = controlled(
    PhaseShift, "ControlledPhaseShift", "The phase exp(i phi) on |11>.",
    aliases=("CPhase",), qasm="cp",
    decomposition=lambda phi: [
        PhaseShift(phi / 2) @ 0, CNOT @ (0, 1), PhaseShift(-phi / 2) @ 1,
        CNOT @ (0, 1), PhaseShift(phi / 2) @ 1,
    ],
)

CRX = controlled(
    RX, "CRX", "RX under one control.", qasm="crx",
    decomposition=lambda phi: [H @ 1, CRZ(phi) @ (0, 1), H @ 1],
)

CRY = controlled(
    RY, "CRY", "RY under one control.", qasm="cry",
    decomposition=lambda phi: [
        RY(phi / 2) @ 1, CNOT @ (0, 1), RY(-phi / 2) @ 1, CNOT @ (0, 1),
    ],
)

CRZ = controlled(
    RZ, "CRZ", "RZ under one control.", qasm="crz",
    decomposition=lambda phi: [
        RZ(phi / 2) @ 1, CNOT @ (0, 1), RZ(-phi / 2) @ 1, CNOT @ (0, 1),
    ],
)

CRot = controlled(
    Rot, "CRot", "Rot under one control.",
    decomposition=lambda phi, theta, omega: [
        RZ((phi - omega) / 2) @ 1, CNOT @ (0, 1), RZ((phi + omega) / -2) @ 1,
        RY(-theta / 2) @ 1, CNOT @ (0, 1), RY(theta / 2) @ 1, RZ(omega) @ 1,
    ],
)


def _toffoli() -> list[Step]:
    return [
        H @ 2, CNOT @ (1, 2), _tdg(2), CNOT @ (0, 2), T @ 2, CNOT @ (1, 2), _tdg(2),
        CNOT @ (0, 2), T @ 2, T @ 1, CNOT @ (0, 1), H @ 2, T @ 0, _tdg(1),
        CNOT @ (0, 1),
    ]


def _tdg(wire: int) -> Step:
    return PhaseShift(-pi / 4) @ wire


Toffoli = controlled(
    X, "Toffoli", "X under two controls.", num_controls=2, aliases=("CCX",),
    qasm="ccx", qir="ccx",
    decomposition=_toffoli,
)

CCZ = controlled(
    Z, "CCZ", "Z under two controls.", num_controls=2,
    decomposition=lambda: [H @ 2, Toffoli @ (0, 1, 2), H @ 2],
)


def multi_controlled_phase(angle: Angle | float, wires: tuple[int, ...]) -> list[Step]:
    """The phase exp(i angle) on |1...1> of the wires, without spare wires."""
    if len(wires) < 3:
        named = {0: GlobalPhase(-angle), 1: PhaseShift(angle)}
        return [named.get(len(wires), ControlledPhaseShift(angle)) @ wires]
    *others, control, last = wires
    half = ControlledPhaseShift(angle / 2) @ (control, last)
    undo = ControlledPhaseShift(angle / -2) @ (control, last)
    flip = multi_controlled_flip((*others, control))
    return [
        half, *flip, undo, *flip, *multi_controlled_phase(angle / 2, (*others, last)),
    ]


def multi_controlled_flip(wires: tuple[int, ...]) -> list[Step]:
    """X on the last of the wires, under all the others."""
    named = {1: X, 2: CNOT, 3: Toffoli}.get(len(wires))
    if named is not None:
        return [named @ wires]
    return [H @ wires[-1], *multi_controlled_phase(pi, wires), H @ wires[-1]]


MultiControlledX = controlled(
    X, "MultiControlledX", "X under any number of controls.", num_controls=None,
    decomposition=lambda num_controls: multi_controlled_flip(
        tuple(range(num_controls + 1))
    ),
)
