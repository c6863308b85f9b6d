"""The standard gates of Qiskit, by the names of their classes, as gates of qjit.

Their matrices are the same, also in phase, as a gate may be controlled. Those that are
not here are applied by what Qiskit defines them as.
"""

from collections.abc import Callable
from typing import Any

from qjit.ops.modifiers import adjoint, ctrl
from qjit.ops.operations import FIXED_ARITY_GATES as GATES
from qjit.ops.variadic_gates import GlobalPhase, Identity

Angles = list[Any]
Wires = list[Any]
# Applies a gate, and returns it as one operator.
Application = Callable[[Angles, Wires], Any]


def _plain(name: str) -> Application:
    return lambda angles, wires: GATES[name](*angles, wires=wires)


def _inverse(name: str) -> Application:
    return lambda angles, wires: adjoint(GATES[name](*angles, wires=wires))


def _controlled(name: str, controls: int = 1, inverse: bool = False) -> Application:
    base = _inverse(name) if inverse else _plain(name)

    def apply(angles: Angles, wires: Wires) -> Any:
        return ctrl(base(angles, wires[controls:]), control=wires[:controls])

    return apply


_PLAIN = {
    **dict(XGate="X", YGate="Y", ZGate="Z", HGate="H", SGate="S", TGate="T"),
    **dict(SXGate="SX", RXGate="RX", RYGate="RY", RZGate="RZ", RGate="PRX"),
    **dict(PhaseGate="PhaseShift", U1Gate="U1", U2Gate="U2", U3Gate="U3", UGate="U3"),
    **dict(CXGate="CNOT", CYGate="CY", CZGate="CZ", CHGate="CH", SwapGate="SWAP"),
    **dict(CPhaseGate="ControlledPhaseShift", CU1Gate="ControlledPhaseShift"),
    **dict(CRXGate="CRX", CRYGate="CRY", CRZGate="CRZ", CSwapGate="CSWAP"),
    **dict(CCXGate="Toffoli", CCZGate="CCZ", iSwapGate="ISWAP", ECRGate="ECR"),
    **dict(RXXGate="IsingXX", RYYGate="IsingYY", RZZGate="IsingZZ"),
}
STANDARD: dict[str, Application] = {
    **{theirs: _plain(ours) for theirs, ours in _PLAIN.items()},
    "IGate": lambda _, wires: Identity(wires),
    "GlobalPhaseGate": lambda angles, _: GlobalPhase(-angles[0]),
    "SdgGate": _inverse("S"),
    "TdgGate": _inverse("T"),
    "SXdgGate": _inverse("SX"),
    "CSGate": _controlled("S"),
    "CSdgGate": _controlled("S", inverse=True),
    "CSXGate": _controlled("SX"),
    "C3SXGate": _controlled("SX", 3),
    "CU3Gate": _controlled("U3"),
}


def universal(angles: Angles, wire: Any) -> None:
    """Apply what CUGate controls: U with a phase, its fourth angle."""
    GlobalPhase(-angles[3])
    GATES["U3"](*angles[:3], wires=wire)
