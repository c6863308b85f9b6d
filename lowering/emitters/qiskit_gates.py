"""Gates of the table as gates of Qiskit, by Qiskit's own names where it has them."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from qjit.dialects.gates import GATES

from .emitter import AppliedGate, EmissionError

# Applies something to a circuit.
Application = Callable[[Any], Any]
# Classes of qiskit.circuit.library that take the same parameters.
CLASSES: Mapping[str, str] = {
    **dict(X="XGate", Y="YGate", Z="ZGate", H="HGate", S="SGate", T="TGate"),
    **dict(SX="SXGate", RX="RXGate", RY="RYGate", RZ="RZGate", U2="U2Gate"),
    **dict(PhaseShift="PhaseGate", U1="PhaseGate", U3="UGate", PRX="RGate"),
    **dict(SWAP="SwapGate", ISWAP="iSwapGate", ECR="ECRGate"),
    **dict(IsingXX="RXXGate", IsingYY="RYYGate", IsingZZ="RZZGate"),
}


def _exchange(library: Any, phi: Any) -> Any:
    return library.XXPlusYYGate(-phi)


def _root_of_exchange(library: Any) -> Any:
    return library.XXPlusYYGate(-math.pi / 2)


def _phase(library: Any, phi: Any) -> Any:
    return library.GlobalPhaseGate(-phi)


BUILT: Mapping[str, Callable[..., Any]] = {
    "IsingXY": _exchange,
    "SISWAP": _root_of_exchange,
    "GlobalPhase": _phase,
}


@cache
def qiskit(name: str) -> Any:
    """Return a module of Qiskit."""
    try:
        return import_module(f"qiskit.{name}")
    except ImportError as error:
        raise EmissionError(
            "the package qiskit, which is not installed. Use pip install 'qjit[qiskit]'"
        ) from error


def applications(gate: AppliedGate) -> list[Application]:
    """Return what applies a gate to a circuit.

    Its parameters are numbers, or expressions of Qiskit's parameters.
    """
    record = GATES[gate.name]
    base = record.base or record.name
    if base == "I":
        return []
    if base == "GlobalPhase" and not gate.controls:
        (phase,) = gate.params
        return [_turned(phase if gate.adjoint else -phase)]
    plain = not gate.controls and not gate.adjoint
    if plain and not (base in CLASSES or base in BUILT):
        return [
            each
            for step in _steps(base, gate.params, len(gate.targets), gate.static)
            for each in applications(
                _applied(step, tuple(gate.targets[wire] for wire in step.wires))
            )
        ]
    made, wires = _built(gate, base), [*gate.controls, *gate.targets]
    return [lambda circuit: circuit.append(made, wires)]


def _turned(phase: Any) -> Application:
    def apply(circuit: Any) -> None:
        circuit.global_phase += phase

    return apply


def _built(gate: AppliedGate, base: str) -> Any:
    """Return a gate of Qiskit, on its controls and then its targets."""
    bare = _bare(base, gate.params, len(gate.targets), gate.static)
    if gate.adjoint and not GATES[gate.name].self_adjoint:
        bare = bare.inverse()
    count = len(gate.controls)
    if not count:
        return bare
    pattern = gate.pattern or (1,) * count
    state = sum(int(bit) << place for place, bit in enumerate(pattern))
    if base == "GlobalPhase" and all(pattern):
        (phase,) = bare.params
        bare, count, state = qiskit("circuit.library").PhaseGate(phase), count - 1, None
        if not count:
            return bare
    return bare.control(count, ctrl_state=state, annotated=False)


def _bare(
    base: str, params: Sequence[Any], num_targets: int, static: Mapping[str, Any]
) -> Any:
    """Return a gate without controls."""
    library = qiskit("circuit.library")
    if base in CLASSES:
        return getattr(library, CLASSES[base])(*params)
    if base in BUILT:
        return BUILT[base](library, *params)
    inner = qiskit("circuit").QuantumCircuit(num_targets, name=base)
    for step in _steps(base, params, num_targets, static):
        for apply in applications(_applied(step, step.wires)):
            apply(inner)
    return inner.to_gate()


def _applied(step: Any, wires: tuple[Any, ...]) -> AppliedGate:
    """Return a step of a decomposition as a gate on wires."""
    controls = step.gate.num_controls
    if controls is None:
        controls = len(wires) - step.gate.num_targets
    static = {"num_targets": len(wires)} if "num_targets" in step.gate.static else {}
    return AppliedGate(
        step.gate.name,
        tuple(step.params),
        tuple(wires[controls:]),
        tuple(wires[:controls]),
        static=static,
    )


def _steps(
    base: str, params: Sequence[Any], num_targets: int, static: Mapping[str, Any]
) -> Sequence[Any]:
    """Return simpler gates that make one, on wires counted from its first."""
    record = GATES[base]
    known = {name: static[name] for name in record.static if name in static}
    if "num_targets" in record.static:
        known["num_targets"] = num_targets
    found = record.decompose(*params, **known)
    if found is None:
        raise EmissionError(f"the gate {base}")
    return found
