"""The gates of OpenQASM's include files, by name, as gates of qjit.

Their phases are those of the files: in version 3 a gate may be controlled later, and in
version 2 no program can tell.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from qjit.dialects.gates import GATES as RECORDS
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


def _plain(name: str) -> NamedGate:
    gate, record = GATES[name], RECORDS[name]
    angles, qubits = record.num_params, record.num_wires
    assert qubits is not None
    return NamedGate(
        angles,
        qubits,
        lambda *args: gate(*args[:angles], wires=list(args[angles:])),
    )


def _inverse(name: str) -> NamedGate:
    plain = _plain(name)
    return plain._replace(apply=lambda *args: adjoint(plain.apply(*args)))


def _controlled(name: str, angles: int, controls: int = 1) -> NamedGate:
    gate = GATES[name]

    def apply(*args: Any) -> Any:
        on = args[angles:]
        made = gate(*args[:angles], wires=[on[-1]])
        return ctrl(made, control=list(on[:-1]))

    return NamedGate(angles, controls + 1, apply)


def _universal(theta: Any, phi: Any, lam: Any, wire: Any) -> None:
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

# Those of both files, most of which the records of gates name.
_SHARED: dict[str, NamedGate] = {
    **{
        record.qasm: _plain(name)
        for name, record in RECORDS.items()
        if record.qasm is not None and name in GATES
    },
    **{
        record.qasm_adjoint: _inverse(name)
        for name, record in RECORDS.items()
        if record.qasm_adjoint is not None
    },
    "id": NamedGate(0, 1, Identity),
    "u1": _plain("PhaseShift"),
    "cu": NamedGate(4, 2, _universal_under_control, False),
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
        "CX": _plain("CNOT"),
        "phase": _plain("PhaseShift"),
        "cphase": _plain("ControlledPhaseShift"),
        "u2": NamedGate(2, 1, _quarter_turn),
        "u3": NamedGate(3, 1, _turn),
    },
    "qelib1.inc": {
        **_SHARED,
        "u": _plain("U3"),
        "u0": NamedGate(1, 1, lambda _, wire: Identity(wire)),
        "u2": _plain("U2"),
        "u3": _plain("U3"),
        "sxdg": _inverse("SX"),
        "csx": _controlled("SX", 0),
        "cu1": _plain("ControlledPhaseShift"),
        "cu3": _controlled("U3", 3),
        "rxx": _plain("IsingXX"),
        "rzz": _plain("IsingZZ"),
        "rccx": NamedGate(0, 3, _steps(_RELATIVE_TOFFOLI), False),
        "rc3x": NamedGate(0, 4, _steps(_RELATIVE_C3X), False),
        "c3x": NamedGate(0, 4, _all_controlled_x),
        "c3sqrtx": _controlled("SX", 0, 3),
        "c4x": NamedGate(0, 5, _all_controlled_x),
    },
}
# The file of a text, and what it has without one, by whether it is of version 2.
FILE_NAMES = {True: "qelib1.inc", False: "stdgates.inc"}
BUILT_IN: dict[bool, dict[str, NamedGate]] = {
    True: {"U": _plain("U3"), "CX": _plain("CNOT")},
    False: {"U": NamedGate(3, 1, _universal, False)},
}
