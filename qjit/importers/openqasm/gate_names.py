"""The gates of OpenQASM's include files, by name, as gates of qjit.

Their phases are those of the files: in version 3 a gate may be controlled later, and in
version 2 no program can tell.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from qjit.ops.modifiers import adjoint, ctrl
from qjit.ops.operations import FIXED_ARITY_GATES as GATES
from qjit.ops.variadic_gates import GlobalPhase, Identity, MultiControlledX


class NamedGate(NamedTuple):
    """A gate of a file: how many angles and qubits it has, and what applies it.

    `apply` takes the angles, then the wires. Where it applies a `single` operator, it
    returns it.
    """

    angles: int
    qubits: int
    apply: Callable[..., Any]
    single: bool = True


def _plain(name: str, angles: int, qubits: int) -> NamedGate:
    gate = GATES[name]
    return NamedGate(
        angles,
        qubits,
        lambda *args: gate(*args[:angles], wires=list(args[angles:])),
    )


def _inverse(name: str, qubits: int = 1) -> NamedGate:
    gate = GATES[name]
    return NamedGate(0, qubits, lambda *wires: adjoint(gate(wires=list(wires))))


def _controlled(name: str, angles: int, controls: int = 1) -> NamedGate:
    gate = GATES[name]

    def apply(*args: Any) -> Any:
        on = args[angles:]
        made = gate(*args[:angles], wires=[on[-1]])
        return ctrl(made, control=list(on[:-1]))

    return NamedGate(angles, controls + 1, apply)


def universal(theta: Any, phi: Any, lam: Any, wire: Any) -> None:
    """Apply version 3's U, which is U3 with the phase exp(i theta / 2)."""
    GlobalPhase(-theta / 2)
    GATES["U3"](theta, phi, lam, wires=wire)


def _universal_under_control(
    theta: Any, phi: Any, lam: Any, gamma: Any, control: Any, wire: Any
) -> None:
    GATES["PhaseShift"](gamma, wires=control)
    ctrl(GATES["U3"](theta, phi, lam, wires=wire), control=control)


_LETTERS: dict[str, tuple[str, bool]] = {
    "h": ("H", False),
    "t": ("T", False),
    "T": ("T", True),
}


def _steps(text: str) -> Callable[..., None]:
    """Return what applies gates of H, T, its inverse and CNOT, written as `t2 x02`."""

    def apply(*wires: Any) -> None:
        for step in text.split():
            on = [wires[int(digit)] for digit in step[1:]]
            if step[0] == "x":
                GATES["CNOT"](wires=on)
                continue
            name, inverse = _LETTERS[step[0]]
            made = GATES[name](wires=on)
            if inverse:
                adjoint(made)

    return apply


_RELATIVE_TOFFOLI = "h2 t2 x12 T2 x02 t2 x12 T2 h2"
_RELATIVE_C3X = "h3 t3 x23 T3 h3 x03 t3 x13 T3 x03 t3 x13 T3 h3 t3 x23 T3 h3"

_SHARED: dict[str, NamedGate] = {
    **{
        name: _plain(name.upper(), 0, 1)
        for name in ("x", "y", "z", "h", "s", "t", "sx")
    },
    "sdg": _inverse("S"),
    "tdg": _inverse("T"),
    "id": NamedGate(0, 1, Identity),
    "p": _plain("PhaseShift", 1, 1),
    "u1": _plain("PhaseShift", 1, 1),
    "rx": _plain("RX", 1, 1),
    "ry": _plain("RY", 1, 1),
    "rz": _plain("RZ", 1, 1),
    "cx": _plain("CNOT", 0, 2),
    "cy": _plain("CY", 0, 2),
    "cz": _plain("CZ", 0, 2),
    "ch": _plain("CH", 0, 2),
    "cp": _plain("ControlledPhaseShift", 1, 2),
    "crx": _plain("CRX", 1, 2),
    "cry": _plain("CRY", 1, 2),
    "crz": _plain("CRZ", 1, 2),
    "cu": NamedGate(4, 2, _universal_under_control, False),
    "swap": _plain("SWAP", 0, 2),
    "ccx": _plain("Toffoli", 0, 3),
    "cswap": _plain("CSWAP", 0, 3),
}


def _turn(theta: Any, phi: Any, lam: Any, wire: Any) -> Any:
    """Apply RZ(phi) RY(theta) RZ(lam), the u3 of version 3."""
    return GATES["Rot"](lam, theta, phi, wires=wire)


def _quarter_turn(phi: Any, lam: Any, wire: Any) -> Any:
    return _turn(1.5707963267948966, phi, lam, wire)


def _all_controlled_x(*wires: Any) -> Any:
    return MultiControlledX(wires=list(wires))


FILES: dict[str, dict[str, NamedGate]] = {
    "stdgates.inc": {
        **_SHARED,
        "CX": _plain("CNOT", 0, 2),
        "phase": _plain("PhaseShift", 1, 1),
        "cphase": _plain("ControlledPhaseShift", 1, 2),
        "u2": NamedGate(2, 1, _quarter_turn),
        "u3": NamedGate(3, 1, _turn),
    },
    "qelib1.inc": {
        **_SHARED,
        "u": _plain("U3", 3, 1),
        "u0": NamedGate(1, 1, lambda _, wire: Identity(wire)),
        "u2": _plain("U2", 2, 1),
        "u3": _plain("U3", 3, 1),
        "sxdg": _inverse("SX"),
        "csx": _controlled("SX", 0),
        "cu1": _plain("ControlledPhaseShift", 1, 2),
        "cu3": _controlled("U3", 3),
        "rxx": _plain("IsingXX", 1, 2),
        "rzz": _plain("IsingZZ", 1, 2),
        "rccx": NamedGate(0, 3, _steps(_RELATIVE_TOFFOLI), False),
        "rc3x": NamedGate(0, 4, _steps(_RELATIVE_C3X), False),
        "c3x": NamedGate(0, 4, _all_controlled_x),
        "c3sqrtx": _controlled("SX", 0, 3),
        "c4x": NamedGate(0, 5, _all_controlled_x),
    },
}
# What a text has without a file, by whether it is of version 2.
BUILT_IN: dict[bool, dict[str, NamedGate]] = {
    True: {"U": _plain("U3", 3, 1), "CX": _plain("CNOT", 0, 2)},
    False: {"U": NamedGate(3, 1, universal, False)},
}
