"""The pass `decompose-gates`: gates that a device lacks become gates that it has."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from qjit.dialects.gates.spelling import spelled
from qjit.dialects.quantum import AllocOp, GateOp, UnitaryOp
from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.linearity import line_of
from qjit.dialects.targets import STATEVECTOR, Target
from qjit.lowering.analysis.constants import KNOWN_WHERE
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.passes.circuits.blocks import (
    blocks_with_gates,
    circuits,
    rewrite_block,
)
from qjit.lowering.passes.circuits.circuit import Circuit, Instruction, Opaque
from qjit.lowering.passes.circuits.gates import Gate
from qjit.lowering.passes.circuits.pauli_measurements import expand_pauli_measurements
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.passes.quantum.dataflow.wire_states import WireStates
from qjit.runtime.recent import MOST

from .clean_wires import has_many_controls, through_clean_wire
from .expansion import expanded, kind_of, quarter_turns
from .gate_set import PHASE, GateSet, aliases_replaced, unknown_names
from .rule_checks import check_rule
from .rule_texts import RuleText, rule_kinds


@dataclass(frozen=True)
class DecomposeGatesPass(ModulePass):
    """Replace gates outside of the set of their device by the cheapest rules.

    Where `gates` are given, they take the place of the device's. Each costs its weight,
    such as "CNOT=5", by default by its number of wires; `rules` are further rules, such
    as "CNOT() = H() 1; CZ() 0 1; H() 1".
    """

    gates: tuple[str, ...] | None = None
    weights: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    name = "decompose-gates"

    def __post_init__(self) -> None:
        if self.gates is not None:
            _ = self._set
        elif self.weights or self.rules:
            raise ValueError("weights and rules are those of gates, which are missing")

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite each circuit, where the gates of one share spare wires."""
        if self.gates is not None:
            expand_pauli_measurements(op)
            decompose_matrices(op, op.walk(), self.gates)
            sets: dict[Operation, GateSet] | None = None
        else:
            if all(target.gates is None for target in targets_of(op)):
                return
            expand_pauli_measurements(op)
            decompose_matrices_of_devices(op)
            sets = {
                gate: of_target(target) for gate, target in limited_targets(op).items()
            }
        for block in list(blocks_with_gates(op)):
            rewrite_block(block, lambda circuit: self._rewrite(circuit, sets))

    @property
    def _set(self) -> GateSet:
        assert self.gates is not None
        return gate_set(self.gates, self.weights, self.rules)

    def _rewrite(
        self, circuit: Circuit, sets: Mapping[Operation, GateSet] | None
    ) -> Circuit:
        found = Expanded(circuit)
        for op, each in zip(circuit.ops, circuit, strict=True):
            chosen = self._set if sets is None else sets.get(op)
            found.add(op, each, chosen)
        return found.result


class Expanded:
    """A circuit that gate after gate is decomposed."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.made: list[Instruction] = []
        self.changed = False
        self.phase = 0.0
        gains = circuit.fresh and any(map(has_many_controls, circuit))
        self.states = WireStates(circuit) if gains else None

    def add(self, op: Operation, each: Instruction, gates: GateSet | None) -> None:
        """Add an operation, or what stands for it in a gate set.

        Raises:
            PassError: for what cannot be decomposed.
        """
        self._add(op, each, gates)
        if self.states is not None:
            self.states.apply(each)

    def _add(self, op: Operation, each: Instruction, gates: GateSet | None) -> None:
        if gates is None or not is_outside(op, each, gates):
            self.made.append(each)
            return
        if isinstance(each, Opaque):
            raise PassError(why_it_stays(op, gates))
        self.changed = True
        spare = self._spare(each)
        clean = self._clean(each, spare)
        found = None if clean is None else through_clean_wire(each, clean, spare, gates)
        if found is not None:
            for gate in found:
                self._add(op, gate, gates)
            return
        new = quarter_turns(each, gates)
        if new is None:
            new = expanded(each, gates, spare)
        if new is None:
            raise PassError(impossible(op, each, gates))
        gates_of_it, phase = new
        self.made += [gate for gate in gates_of_it if not _turns_by_zero(gate)]
        self.phase += phase

    def _spare(self, gate: Gate) -> list[int]:
        taken = set(gate.all_wires)
        return [wire for wire in range(self.circuit.num_wires) if wire not in taken]

    def _clean(self, gate: Gate, spare: Sequence[int]) -> int | None:
        """Return a wire in |0> for a gate under many controls, if there is one."""
        if self.states is None or not has_many_controls(gate):
            return None
        return next((wire for wire in spare if self.states.bit(wire) == 0), None)

    @property
    def result(self) -> Circuit:
        """The circuit, with all known phases in one gate."""
        if not self.changed:
            return self.circuit
        if self.phase:
            self.made.append(Gate(PHASE, (), self.phase))
        return self.circuit.of(self.made)


def _turns_by_zero(gate: Gate) -> bool:
    return gate.base in ("RX", "RY", "RZ", "PhaseShift") and gate.angle.known == 0


def is_in(gate: Gate, gates: GateSet) -> bool:
    """Tell whether a gate is in a set as it is."""
    if not gates.modified and (gate.controls or 0 in gate.control_values):
        return False
    kind, adjoint = kind_of(gate, gates), gate.adjoint
    if adjoint and not gates.modified and not kind.adjoint:
        return False  # which may be written without the flag
    name = gates.name_of(kind)
    return name is not None and name == gate.record.name


def is_outside(op: Operation, each: Instruction, gates: GateSet) -> bool:
    """Tell whether an operation of a circuit is a gate or a matrix outside of a set."""
    if not isinstance(each, Opaque):
        return not is_in(each, gates)
    if isinstance(op, GateOp):
        return op.gate.data not in gates.names
    is_matrix = isinstance(op, UnitaryOp) and not gates.modified
    return is_matrix and "QubitUnitary" not in gates.names


def lacking(module: ModuleOp) -> Iterator[tuple[Operation, str]]:
    """Yield operations that their devices do not have, and this in words."""
    sets = limited_targets(module)
    for block in blocks_with_gates(module) if sets else ():
        for circuit in circuits(block):
            for op, each in zip(circuit.ops, circuit, strict=True):
                found = sets.get(op)
                if found is not None and is_outside(op, each, of_target(found)):
                    yield op, _lacks(found, _in_words(op, each))


def _lacks(target: Target, what: str) -> str:
    has = ", ".join(sorted(target.gates or ()))
    return f"{what}, which device '{target.name}' does not have. It has {has}"


def _in_words(op: Operation, each: Instruction) -> str:
    if isinstance(each, Opaque):
        return op.gate.data if isinstance(op, GateOp) else "a matrix"
    name = spelled(each.record.name, each.adjoint)
    return f"{name} under further controls" if each.controls else name


def why_it_stays(op: Operation, gates: GateSet) -> str:
    """Return why a gate without known numbers cannot be decomposed, and a remedy."""
    if isinstance(op, GateOp):
        return (
            f"{line_of(op) or 'unknown line'}: {op.gate.data} cannot be decomposed "
            f"for {gates.whose} where the adjoint method differentiates it. Choose "
            "diff_method='parameter-shift' or 'finite-diff'."
        )
    return (
        f"{line_of(op) or 'unknown line'}: a matrix whose numbers are not known "
        f"when the program is compiled cannot be decomposed for {gates.whose}. "
        f"Give it as a constant, {KNOWN_WHERE}; or apply gates with angles, or add "
        "QubitUnitary to the gates."
    )


def impossible(op: Operation, gate: Gate, gates: GateSet) -> str:
    """Return why a gate cannot be decomposed, and what to do about it."""
    names = ", ".join(sorted(gates.names))
    text = (
        f"{line_of(op) or 'unknown line'}: {gates.whose} has no gate "
        f"{gate.record.name}, and no rules make it of those that it has: {names}."
    )
    if gates.discrete:
        return (
            f"{text} Without rotations they make angles that are known when the "
            "program is compiled and multiples of pi/4, and not all of these. Add RZ "
            "to them."
        )
    if gates.modified:
        return text
    return f"{text} Add {gate.record.name}, or pass a rule of `qjit.decomposition`."


def decompose_matrices_of_devices(module: ModuleOp) -> None:
    """Replace matrices and states on devices that have only the gates listed."""
    found: dict[Target, list[Operation]] = {}
    for op, target in ops_and_targets(module):
        if target.gates is not None:
            found.setdefault(target, []).append(op)
    for target, ops in found.items():
        decompose_matrices(module, ops, target.gates or ())


def decompose_matrices(
    module: ModuleOp, ops: Iterable[Operation], names: Collection[str]
) -> None:
    """Replace matrices and states among operations."""
    # With SciPy it takes longer to import than most programs to compile.
    from .known_matrices import decompose_known_matrices

    decompose_known_matrices(module, ops, names)


def targets_of(module: ModuleOp) -> Iterator[Target]:
    """Yield the devices that circuits and functions of a module run on."""
    for each in module.walk():
        if isinstance(each, AllocOp | FuncOp):
            yield target_of(each)


def limited_targets(module: ModuleOp) -> dict[Operation, Target]:
    """Return the devices of gates, of those devices that have not all gates."""
    return {
        op: target
        for op, target in ops_and_targets(module)
        if isinstance(op, Controllable) and target.gates is not None
    }


def ops_and_targets(module: ModuleOp) -> Iterator[tuple[Operation, Target]]:
    """Yield the operations of a module with the devices that they run on."""
    target = STATEVECTOR
    for each in module.walk():
        if isinstance(each, AllocOp | FuncOp):
            target = target_of(each)
        yield each, target


@lru_cache(MOST)
def of_target(target: Target) -> GateSet:
    """Return the gate set of a device."""
    names = target.gates or frozenset[str]()
    return GateSet(names, f"device '{target.name}'", modified=target.modifiers)


@lru_cache(MOST)
def gate_set(
    gates: Sequence[str], weights: Sequence[str] = (), rules: Sequence[str] = ()
) -> GateSet:
    """Return a gate set by its texts, with GlobalPhase.

    Raises:
        ValueError: for what is no gate, no weight or no rule.
    """
    if unknown := unknown_names(gates):
        raise ValueError(f"{unknown[0]!r} is no gate that others can be decomposed to")
    names = aliases_replaced(gates) | {PHASE}
    costs: dict[str, float] = {}
    for text in weights:
        name, sign, number = text.partition("=")
        if not sign or unknown_names([name]) or not _is_weight(number):
            raise ValueError(f"{text!r} is no weight, such as 'CNOT=5'")
        (own,) = aliases_replaced([name])
        costs[own] = float(number)
        if names.isdisjoint((own, spelled(own, True))):
            raise ValueError(f"{text!r} is the weight of a gate outside of the gates")
    read = [RuleText.read(text) for text in rules]
    for rule in read:
        check_rule(rule)
    written = rule_kinds(read)
    return GateSet(names, weights=costs, written=written)


def _is_weight(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False
