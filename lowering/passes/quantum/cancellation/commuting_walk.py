"""Gates, and those before them on the same qubits that only commuting gates part.

Most gates that commute do so because on each wire that they share both are diagonal in
the eigenbasis of one Pauli matrix. So it is noted for each wire which gate was the last
that is not; others are compared one by one.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Block, SSAValue

from qjit.dialects.gates import GATES, GateRecord
from qjit.dialects.quantum import GateOp
from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.types import control_pattern
from qjit.lowering.passes.circuits.angles import PERIOD
from qjit.lowering.passes.circuits.commutation import (
    GateForm,
    commute,
    diagonal_bases,
    role,
)
from qjit.lowering.passes.circuits.parameters import AffineForm, affine

# How many gates before a gate are compared one by one, and how many of its role.
FARTHEST = 32
MOST_ALIKE = 4
BASES = 3
# The bases that a set of bits has not.
MIXED = [[b for b in range(BASES) if not bits >> b & 1] for bits in range(1 << BASES)]
PROPERTIES = (
    *("gate", "control_values", "word", "dim"),
    *("operandSegmentSizes", "resultSegmentSizes"),
)


class GateKind(NamedTuple):
    """What gates have in common that differ in qubits, parameters and slots alone."""

    record: GateRecord
    form: GateForm
    num_params: int
    num_slots: int
    bases: tuple[int, ...]
    kept_alive: Sequence[Attribute | None]


class GateKinds:
    """The kinds of gates, by the identity of their properties."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], GateKind] = {}

    def __call__(self, op: GateOp) -> GateKind:
        """Return the kind of a gate."""
        found = [op.properties.get(name) for name in PROPERTIES]
        key = tuple(map(id, found))
        if key not in self._known:
            self._known[key] = _kind(op, found)
        return self._known[key]


def _kind(op: GateOp, kept_alive: Sequence[Attribute | None]) -> GateKind:
    record = GATES[op.gate.data]
    if record.base is not None:
        record = GATES[record.base]
    params, slots, targets, controls = op.groups
    form = GateForm(
        record.name,
        0 if record.num_targets == 0 else len(targets),
        control_pattern(op.control_values, len(controls)) if controls else (),
        None if op.word is None else op.word.data,
        None if op.dim is None else op.dim.value.data,
    )
    bases = diagonal_bases(form)
    return GateKind(record, form, len(params), len(slots), bases, kept_alive)


class MetGate:
    """A gate of a block, with the wires that its qubits are on.

    `acting` are those that it acts on, controls first, and `role` is what it has in
    common with gates of its kind that act on wires alike.
    """

    __slots__ = ("_angle", "acting", "erased", "kind", "op", "place", "role", "wires")

    def __init__(
        self, op: GateOp, kind: GateKind, place: int, wires: tuple[int, ...]
    ) -> None:
        self.op, self.kind, self.place, self.wires = op, kind, place, wires
        self._angle: AffineForm | None = None
        self.erased = False
        form = kind.form
        controls = wires[len(wires) - len(form.control_values) :]
        targets = wires[: form.num_targets]
        self.acting = controls + targets
        alike = role(form, controls, targets)
        # A phase on no wires is where the qubits that it passes through are.
        self.role = alike if self.acting else (alike, *wires)

    @property
    def params(self) -> Sequence[SSAValue]:
        """The parameters."""
        return self.op.operands[: self.kind.num_params]

    @property
    def slots(self) -> Sequence[SSAValue]:
        """The places of the parameters' gradients."""
        first = self.kind.num_params
        return self.op.operands[first : first + self.kind.num_slots]

    @property
    def angle(self) -> AffineForm:
        """The only parameter, in the sense of the gate without the adjoint flag."""
        if self._angle is None:
            found = affine(self.params[0]).modulo(PERIOD)
            self._angle = found if self.op.adjoint is None else -found
        return self._angle

    @angle.setter
    def angle(self, angle: AffineForm) -> None:
        self._angle = angle

    def commutes_with(self, other: "MetGate") -> bool:
        """Tell whether two gates commute at all angles."""
        return commute(other.kind.form, other.acting, self.kind.form, self.acting)


# Tells whether an earlier gate is the partner of a later one that has its role.
Partners = Callable[[MetGate, MetGate], bool]
# Tells which gates may have partners.
Wanted = Callable[[GateKind], bool]


class CommutingWalk:
    """Walks over the gates of a block in order, and finds partners of them."""

    def __init__(
        self, block: Block, kinds: GateKinds, wanted: Wanted, partners: Partners
    ) -> None:
        self._block, self._kinds = block, kinds
        self._wanted, self._partners = wanted, partners
        self._wires: dict[SSAValue, int] = {}
        self._on: list[list[MetGate]] = []
        self._alike: dict[object, list[MetGate]] = {}
        # For each wire the places of the last gates that are not diagonal in a basis.
        self._mixed: list[list[int]] = []

    def pairs(self) -> Iterator[tuple[MetGate | None, MetGate]]:
        """Yield the gates with their partners; both may be erased then."""
        following, place = self._block.first_op, 0
        while (op := following) is not None:
            following = op.next_op
            if not isinstance(op, GateOp):
                continue
            wires = tuple(map(self._wire, op.qubits))
            gate, place = MetGate(op, self._kinds(op), place, wires), place + 1
            wanted = self._wanted(gate.kind)
            yield self._partner(gate) if wanted else None, gate
            if not gate.erased:
                self._add(gate)

    def _wire(self, qubit: SSAValue) -> int:
        found = self._wires.get(qubit)
        if found is None:
            self._wires[qubit] = found = len(self._on)
            self._on.append([])
            self._mixed.append([-1] * BASES)
        return found

    def _add(self, gate: MetGate) -> None:
        self._alike.setdefault(gate.role, []).append(gate)
        for wire, result in zip(gate.wires, gate.op.results, strict=True):
            self._wires[result] = wire
            self._on[wire].append(gate)
        place = gate.place
        for wire, bases in zip(gate.acting, gate.kind.bases, strict=True):
            mixed = self._mixed[wire]
            for basis in MIXED[bases]:
                mixed[basis] = place

    def _partner(self, gate: MetGate) -> MetGate | None:
        alike = self._alike.get(gate.role, ())
        for earlier in islice(reversed(alike), MOST_ALIKE):
            if not self._reaches(gate, earlier):
                return None
            if self._partners(earlier, gate):
                return earlier
        return None

    def _reaches(self, gate: MetGate, earlier: MetGate) -> bool:
        """Tell whether a gate commutes with all after an earlier one."""
        for wire, bases in zip(gate.acting, gate.kind.bases, strict=True):
            if self._on[wire][-1] is not earlier and not self._is_diagonal_since(
                earlier.place, wire, bases
            ):
                break
        else:
            return True
        for between in islice(self._before(gate), FARTHEST):
            if between is earlier:
                return True
            if not gate.commutes_with(between):
                return False
        return False

    def _is_diagonal_since(self, place: int, wire: int, bases: int) -> bool:
        mixed = self._mixed[wire]
        return any(bases >> b & 1 and mixed[b] < place for b in range(BASES))

    def _before(self, gate: MetGate) -> Iterator[MetGate]:
        """Yield the gates before one on its wires, the last one first."""
        lists = [(on, len(on)) for wire in gate.acting if (on := self._on[wire])]
        while lists:
            last = max((on[end - 1] for on, end in lists), key=lambda met: met.place)
            yield last
            moved = [(on, end - (on[end - 1] is last)) for on, end in lists]
            lists = [(on, end) for on, end in moved if end]

    def erase(self, gate: MetGate) -> None:
        """Erase a gate, whose qubits pass on as they came."""
        qubits = list(gate.op.qubits)
        for wire, qubit, result in zip(
            gate.wires, qubits, gate.op.results, strict=True
        ):
            result.replace_all_uses_with(qubit)
            self._wires.pop(result, None)
            self._wires[qubit] = wire
            _remove_last(self._on[wire], gate)
        _remove_last(self._alike.get(gate.role, []), gate)
        gate.op.detach()
        gate.op.erase(safe_erase=False)
        gate.erased = True


def _remove_last(gates: list[MetGate], gate: MetGate) -> None:
    """Remove a gate that may be in a list, near the end if it is."""
    for index in range(len(gates) - 1, -1, -1):
        if gates[index].place <= gate.place:
            if gates[index] is gate:
                del gates[index]
            return


def walk(
    module: ModuleOp, wanted: Wanted, partners: Partners
) -> Iterator[tuple[CommutingWalk, MetGate | None, MetGate]]:
    """Yield the gates of a module, with their walks and the partners before them."""
    kinds = GateKinds()
    blocks = [block for region in module.regions for block in region.blocks]
    while blocks:
        block, holds_gates = blocks.pop(), False
        for op in block.ops:
            holds_gates |= isinstance(op, Controllable)
            for region in op.regions:
                blocks.extend(region.blocks)
        if holds_gates:
            found = CommutingWalk(block, kinds, wanted, partners)
            for earlier, gate in found.pairs():
                yield found, earlier, gate
