"""What a device can do: a circuit that asks for more is refused, with its line."""

from typing import Any

from qjit.dialects.targets import Target
from qjit.errors import UnsupportedError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.jaxpr.traversal import is_terminal, quantum_eqns

MID_CIRCUIT = ("quantum_measure", "quantum_reset")


def check_abilities(
    jaxpr: Any, target: Target, name: str, shots: int | None = None
) -> None:
    """Refuse a traced quantum function that its device cannot run."""
    if target.state == "remote" and shots is None:
        raise UnsupportedError(
            f"{user_line()}: device '{target.name}' answers by shots, and '{name}' has "
            "none. Give their number: qjit.device(..., shots=1000)."
        )
    exact = target.state == "device" and shots is None
    if exact and "probs" not in target.measurements:
        raise UnsupportedError(
            f"{user_line()}: device '{target.name}' has no amplitudes, and '{name}' no "
            "shots. Give their number: qjit.device(..., shots=1000)."
        )
    for eqn, _ in quantum_eqns(jaxpr):
        kind = eqn.primitive.name
        if (
            is_terminal(eqn)
            and kind.removeprefix("quantum_") not in target.measurements
        ):
            _refuse(eqn, target, name, f"measures {_list(target.measurements)}")
        if kind in MID_CIRCUIT and not target.mid_circuit:
            _refuse(eqn, target, name, "takes no measurements between gates")
        if kind in MID_CIRCUIT and exact:
            _refuse(eqn, target, name, "measures between gates only with shots")
        if None in eqn.params.get("wires", ()) and not target.dynamic_wires:
            _refuse(eqn, target, name, "takes no wires that are computed")


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) + " only"


def _refuse(eqn: Any, target: Target, name: str, ability: str) -> None:
    what = eqn.primitive.name.removeprefix("quantum_")
    raise UnsupportedError(
        f"{user_line(eqn.source_info)}: '{name}' has {what}, but device "
        f"'{target.name}' {ability}. Choose another device, such as 'statevector'."
    )
