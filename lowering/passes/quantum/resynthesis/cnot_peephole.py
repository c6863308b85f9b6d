"""The pass `cnot-peephole`: CNOTs that cancel, and small Clifford circuits anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from qjit.lowering.passes.circuits.circuit import Circuit, Instruction, has_known_matrix
from qjit.lowering.passes.circuits.circuit_pass import CircuitPass
from qjit.lowering.passes.circuits.cnot_counts import count_cnots
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.phases import phase_gates
from qjit.runtime.recent import MOST

from .clifford_synthesis import (
    MOST_WIRES,
    CliffordCircuit,
    Rows,
    clifford_circuit,
    clifford_images,
    conjugated,
    identity_rows,
)

# How far a window looks ahead, and how often a circuit is gone through.
WINDOW = 40
ROUNDS = 4
# The Pauli that a gate commutes with on each of its targets.
ABOUT: dict[str, tuple[str, ...]] = {
    "X": ("X", "RX", "SX", "IsingXX"),
    "Y": ("Y", "RY", "IsingYY"),
    "Z": ("Z", "S", "T", "RZ", "PhaseShift", "U1", "IsingZZ", "MultiRZ", "PCPhase"),
}
AXES = {name: pauli for pauli, names in ABOUT.items() for name in names}


class CnotPeepholePass(CircuitPass):
    """Cancel CNOTs across what they commute with; rewrite Clifford windows by a table.

    The gates of Clifford circuits on up to three wires are found by breadth-first
    search, with the fewest CNOTs, where wires may change places at the end: a SWAP is
    nothing, and two CNOTs in opposite directions are one.
    """

    name = "cnot-peephole"

    def rewrite(self, circuit: Circuit) -> Circuit:
        """Go through the circuit until nothing changes."""
        found = circuit
        for _ in range(ROUNDS):
            before = found
            found = _rewritten(_cancelled(found))
            if found is before:
                break
        return found


def _cancelled(circuit: Circuit) -> Circuit:
    """Remove pairs of CNOT, CZ or SWAP that what is between them commutes with."""
    kept: list[Instruction | None] = list(circuit)
    on_wire: list[list[int]] = [[] for _ in range(circuit.num_wires)]
    changed = False
    for place, each in enumerate(circuit):
        if isinstance(each, Gate) and _cancels(each):
            other = _partner(each, kept, on_wire)
            if other is not None:
                kept[other] = kept[place] = None
                changed = True
                continue
        for wire in each.all_wires:
            on_wire[wire].append(place)
    return circuit.of(each for each in kept if each) if changed else circuit


def _cancels(gate: Gate) -> bool:
    return not gate.controls and gate.name in ("CNOT", "CZ", "SWAP")


def _partner(
    gate: Gate, kept: Sequence[Instruction | None], on_wire: Sequence[Sequence[int]]
) -> int | None:
    """Return the place of an equal gate before, with which it can meet."""
    latest = sorted(
        {p for wire in gate.wires for p in on_wire[wire][-WINDOW:]}, reverse=True
    )
    for place in latest:
        other = kept[place]
        if other is None:
            continue
        if isinstance(other, Gate) and _same(gate, other):
            return place
        if not _commutes(gate, other):
            return None
    return None


def _same(gate: Gate, other: Gate) -> bool:
    if gate.name != other.name or other.controls:
        return False
    if gate.name == "CNOT":
        return gate.wires == other.wires
    return set(gate.wires) == set(other.wires)


def _commutes(gate: Gate, other: Instruction) -> bool:
    shared = set(gate.wires) & set(other.all_wires)
    axes = (axis(gate, wire) for wire in shared)
    return all(
        found is not None and found == axis(other, wire)
        for wire, found in zip(shared, axes, strict=True)
    )


def axis(each: Instruction, wire: int) -> str | None:
    """Return the Pauli on a wire that an instruction commutes with, if there is one."""
    if not isinstance(each, Gate):
        return None
    if wire in each.all_controls:
        return "Z"
    if each.name == "PauliRot":
        letter = str(each.static["pauli_word"])[each.wires.index(wire)]
        return None if letter == "I" else letter
    return AXES.get(each.base)


class _Ahead(NamedTuple):
    """An instruction, its wires, and what it makes of Paulis if it is Clifford."""

    each: Instruction
    wires: frozenset[int]
    images: Rows | None

    @staticmethod
    def of(each: Instruction) -> _Ahead:
        return _Ahead(each, frozenset(each.all_wires), _images(each))

    def on(self, wires: Mapping[int, int]) -> _Ahead:
        """Return the same on other wires, or itself if its wires are the same."""
        if all(wires[wire] == wire for wire in self.wires):
            return self
        on = frozenset(wires[wire] for wire in self.wires)
        return _Ahead(self.each.on(wires), on, self.images)


@dataclass
class _Window:
    """Clifford gates on a few wires that can stand side by side, and the others."""

    wires: list[int]
    gates: list[tuple[Gate, Rows]] = field(default_factory=list[tuple[Gate, Rows]])
    before: list[_Ahead] = field(default_factory=list[_Ahead])
    after: list[_Ahead] = field(default_factory=list[_Ahead])

    @property
    def cost(self) -> tuple[int, int]:
        """The number of CNOTs that the gates stand for, and of gates on one wire."""
        pairs = [gate for gate, _ in self.gates if len(gate.all_wires) == 2]
        return count_cnots(pairs), len(self.gates) - len(pairs) + sum(
            g.name != "CNOT" for g in pairs
        )


def _rewritten(circuit: Circuit) -> Circuit:
    """Write windows anew, from the first gate to the last."""
    place = {wire: wire for wire in range(circuit.num_wires)}
    source = iter(circuit)
    ahead: list[_Ahead] = []
    new: list[Instruction] = []
    phase, changed = 0.0, False
    while True:
        while len(ahead) < WINDOW and (each := next(source, None)) is not None:
            ahead.append(_Ahead.of(each).on(place))
        if not ahead:
            break
        best = _best(ahead)
        if best is None:
            new.append(ahead.pop(0).each)
            continue
        changed = True
        window, found = best
        on = dict(enumerate(window.wires))
        gates = [_Ahead.of(gate.on(on)) for gate in found.gates]
        moved = {wire: wire for wire in range(circuit.num_wires)}
        for wire, at in zip(window.wires, found.output, strict=True):
            moved[wire] = window.wires[at]
        ahead = [*window.before, *gates, *(each.on(moved) for each in window.after)]
        place = {wire: moved[at] for wire, at in place.items()}
        phase += found.phase
    if not changed:
        return circuit
    output = [place[wire] for wire in circuit.output]
    return circuit.of([*new, *phase_gates(phase)], output)


def _best(ahead: Sequence[_Ahead]) -> tuple[_Window, CliffordCircuit] | None:
    """Return the window at the first gate that saves most CNOTs, if one does."""
    if len(ahead[0].wires) != 2 or not ahead[0].images:
        return None
    found: list[tuple[int, _Window, CliffordCircuit]] = []
    for wires in _choices(ahead):
        window = _window(ahead, wires)
        if window.cost[0] < 2:
            continue
        circuit = _circuit(window)
        if circuit is not None:
            found.append((circuit.cost[0] - window.cost[0], window, circuit))
    if not found:
        return None
    _, window, circuit = min(found, key=lambda each: each[0])
    return window, circuit


def _choices(ahead: Sequence[_Ahead]) -> Iterator[list[int]]:
    """Yield the wires of the first gate, alone and with one that gates join to them."""
    wires = list(ahead[0].each.all_wires)
    yield wires
    others: list[int] = []
    for each in ahead[1:]:
        if len(each.wires) == 2 and len(rest := each.wires.difference(wires)) == 1:
            (other,) = rest
            if other not in others and len(others) < MOST_WIRES:
                others.append(other)
                yield [*wires, other]


def _window(ahead: Sequence[_Ahead], wires: list[int]) -> _Window:
    """Return the Clifford gates on wires from the first on."""
    window, inside = _Window(wires), set(wires)
    blocked: set[int] = set()
    reached: set[int] = set()  # those that are blocked, or used
    for each in ahead:
        on = each.wires
        within = on <= inside
        if not within and reached.isdisjoint(on):
            window.before.append(each)
        elif on and within and each.images and blocked.isdisjoint(on):
            assert isinstance(each.each, Gate)
            window.gates.append((each.each, each.images))
            reached |= on
        else:
            window.after.append(each)
            blocked |= on
            reached |= on
    return window


def _images(each: Instruction) -> Rows | None:
    """Return what a gate makes of Paulis, if it is a Clifford gate."""
    if not isinstance(each, Gate) or not has_known_matrix(each):
        return None
    return clifford_images(each.matrix({}).tobytes(), len(each.all_wires))


def _circuit(window: _Window) -> CliffordCircuit | None:
    """Return the circuit with the fewest CNOTs of a window, if it is cheaper."""
    at = {wire: k for k, wire in enumerate(window.wires)}
    size = len(window.wires)
    rows = identity_rows(size)
    for gate, images in window.gates:
        conjugated(rows, [at[wire] for wire in gate.all_wires], images)
    gates = tuple(gate.on(at) for gate, _ in window.gates)
    return _synthesised(gates, size, tuple(rows), window.cost)


@lru_cache(MOST)
def _synthesised(
    gates: tuple[Gate, ...],
    size: int,
    rows: tuple[tuple[int, int], ...],
    cost: tuple[int, int],
) -> CliffordCircuit | None:
    """Return the circuit of gates, if it is cheaper; passes meet them repeatedly."""
    return clifford_circuit(gates, size, list(rows), cost)
