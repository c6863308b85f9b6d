"""X under many controls through a clean wire, one that is known to be in |0>."""

from collections.abc import Iterator, Sequence

from qjit.lowering.passes.circuits.circuit import Instruction
from qjit.lowering.passes.circuits.gates import Gate

from .expansion import kind_of
from .gate_set import GateSet
from .multi_controlled_rules import with_one_clean_wire

LEAST_CONTROLS = 3


def has_many_controls(each: Instruction) -> bool:
    """Tell whether an instruction is X or Z under so many controls that it may gain."""
    return (
        isinstance(each, Gate)
        and each.base in ("X", "Z")
        and len(each.all_controls) >= LEAST_CONTROLS
    )


def through_clean_wire(
    gate: Gate, clean: int, spare: Sequence[int], gates: GateSet
) -> list[Gate] | None:
    """Return gates by which a clean wire helps, if they are cheaper than others.

    Args:
        gate: X or Z under controls.
        clean: a wire in |0>, which is so again afterwards.
        spare: how many wires there are besides, in any state.
        gates: the gate set.
    """
    found = list(_gates(gate, clean))
    costs = [gates.cost(kind_of(each, gates)) for each in found]
    plain = gates.cost(kind_of(gate, gates).with_spare(len(spare)))
    if any(cost is None for cost in costs):
        return None
    total = sum(cost for cost in costs if cost is not None)
    return found if plain is None or total < plain else None


def _gates(gate: Gate, clean: int) -> Iterator[Gate]:
    controls = gate.all_controls
    target = gate.targets[0]
    values = zip(controls, gate.all_control_values, strict=True)
    around = [Gate("X", control, line=gate.line) for control, on in values if not on]
    if gate.base == "Z":
        around.append(Gate("H", target, line=gate.line))
    yield from around
    wires = [*controls, target, clean]
    for step in with_one_clean_wire(len(controls)):
        on = [wires[wire] for wire in step.wires]
        yield Gate(step.gate.name, on, *step.params, line=gate.line)
    yield from around
