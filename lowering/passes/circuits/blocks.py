"""The circuits without control flow in a block of operations, and how they change.

A circuit is what stands between two boundaries: operations that are no gates, such as
measurements, loops and barriers. Each operation has a level, which is greater than
those of the boundaries that it depends on; gates of one level are a circuit, because no
boundary is between two of them.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.memref import GetGlobalOp
from xdsl.ir import Block, Operation, OpResult, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import (
    IsTerminator,
    MemoryEffectKind,
    Pure,
    is_side_effect_free,
    only_has_effect,
)

from qjit.dialects.quantum import (
    AllocOp,
    BarrierOp,
    DelayOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    PauliMeasureOp,
    RegisterType,
    ResetOp,
    UnitaryOp,
)
from qjit.dialects.quantum.gates import Controllable

from .circuit import Circuit, Instruction, Measurement, Opaque
from .gates import Gate, line_number, read_gate, write_gate

# What circuits consist of: delays too, which stay as they are.
CircuitOp = Controllable | DelayOp
OnQubits = CircuitOp | MeasureOp | PauliMeasureOp
BOUNDARIES = (InsertOp, BarrierOp)
# Returns the circuit itself, or another one, in its place.
Rewrite = Callable[[Circuit], Circuit]


def rewrite_circuits(
    module: ModuleOp, rewrite: Rewrite, *, measured: bool = False
) -> None:
    """Rewrite each circuit of a module, those in loops and branches too.

    Args:
        module: the module.
        rewrite: returns what takes the place of a circuit.
        measured: whether measurements without a reset are in circuits.
    """
    for block in list(blocks_with_gates(module)):
        rewrite_block(block, rewrite, measured=measured)


def blocks_with_gates(module: ModuleOp) -> Iterator[Block]:
    """Yield the blocks in which there are gates."""
    for op in module.walk():
        for region in op.regions:
            for block in region.blocks:
                if any(isinstance(each, Controllable) for each in block.ops):
                    yield block


def rewrite_block(block: Block, rewrite: Rewrite, *, measured: bool = False) -> None:
    """Rewrite each circuit of a block, with measurements in circuits if `measured`."""
    levels = _levels(block, measured)
    changed = [
        (found, new)
        for found in _read(block, levels, measured)
        if (new := rewrite(found.circuit)) is not found.circuit
    ]
    if not changed:
        return
    ends = _sort(block, levels)
    for found, new in changed:
        found.replace(new, ends[found.level])


def circuits(block: Block) -> list[Circuit]:
    """Return the circuits of a block in order."""
    return [found.circuit for found in _read(block, _levels(block, False), False)]


@dataclass
class _BlockCircuit:
    """A circuit of a block: its operations, and its qubits after."""

    level: int
    ops: list[OnQubits]
    first: list[tuple[OnQubits, int]]  # who takes the qubits, as which operands
    after: list[SSAValue]
    circuit: Circuit

    def replace(self, new: Circuit, end: Operation) -> None:
        """Put another circuit before an operation, in the place of this one."""
        kept: set[Operation] = {each.op for each in new if isinstance(each, Opaque)}
        lost = [
            op.name
            for op, old in zip(self.ops, self.circuit, strict=True)
            if isinstance(old, Opaque) and op not in kept
        ]
        if lost or new.num_wires != self.circuit.num_wires:
            raise ValueError(f"a pass loses wires, or operations: {lost}")
        for op in self.ops:
            op.detach()
        users = [list(qubit.uses) for qubit in self.after]
        qubits = {
            wire: op.operands[index] for wire, (op, index) in enumerate(self.first)
        }
        line = line_number([op for op in self.ops if isinstance(op, Controllable)])

        def insert(op: Operation) -> None:
            Rewriter.insert_op(op, InsertPoint.before(end))

        numbers: dict[float, SSAValue] = {}
        for each in new:
            if isinstance(each, Measurement) and not _is_as_before(each):
                kept.remove(each.op)
                _measure(each, qubits, insert)
            elif isinstance(each, Opaque):
                self._move(each, qubits, insert)
            else:
                write_gate(each, qubits, insert, line, numbers)
        for uses, wire in zip(users, new.output, strict=True):
            for use in uses:
                use.operation.operands[use.index] = qubits[wire]
        for op in reversed(self.ops):
            if op not in kept:
                _erase(op)

    @staticmethod
    def _move(
        each: Opaque,
        qubits: dict[int, SSAValue],
        insert: Callable[[Operation], None],
    ) -> None:
        """Insert an operation that was there before."""
        size = len(each.wires)
        first = len(each.op.operands) - size
        for index, wire in enumerate(each.wires):
            each.op.operands[first + index] = qubits[wire]
        insert(each.op)
        results = each.op.results[len(each.op.results) - size :]
        qubits |= zip(each.wires, results, strict=True)


def _erase(op: Operation) -> None:
    """Erase a gate, and the numbers that only it had as parameters."""
    owners = {value.owner for value in op.operands}
    op.drop_all_references()
    op.erase(safe_erase=False)
    for owner in owners:
        if isinstance(owner, ConstantOp) and not owner.result.uses:
            owner.detach()
            owner.erase()


def _is_as_before(each: Measurement) -> bool:
    """Tell whether a measurement is the one that its operation does."""
    return (each.word, each.negative) == _word_of(each.op)


def _word_of(op: Operation) -> tuple[str, bool]:
    """Return the word that an operation measures, and whether with the sign -."""
    if isinstance(op, PauliMeasureOp):
        return op.word.data, op.negative is not None
    return "Z", False


def _measure(
    each: Measurement,
    qubits: dict[int, SSAValue],
    insert: Callable[[Operation], None],
) -> None:
    """Insert a measurement in the place of another one."""
    old = each.op
    assert isinstance(old, MeasureOp | PauliMeasureOp)
    op = PauliMeasureOp(
        each.word,
        [qubits[wire] for wire in each.wires],
        negative=each.negative,
        postselect=None if old.postselect is None else old.postselect.value.data,
        line=None if old.line is None else old.line.value.data,
    )
    insert(op)
    old.outcome.replace_all_uses_with(op.outcome)
    qubits |= zip(each.wires, op.out_qubits, strict=True)


def _levels(block: Block, measured: bool) -> dict[Operation, tuple[int, int]]:
    """Return by what operations can be sorted: their levels, boundaries first.

    Boundaries with side effects stay in order, because each is of a higher level than
    those before; and reads of memory stay between the writes. Measurements in circuits
    are of the level of these, and what uses their outcomes comes after.
    """
    levels: dict[SSAValue, int] = {}
    found: dict[Operation, tuple[int, int]] = {}
    written, read = 0, 0
    for op in block.ops:
        level = 0
        for value in _used(op):
            if (other := levels.get(value, 0)) > level:
                level = other
        boundary = isinstance(op, BOUNDARIES)
        is_measured = measured and _is_measurement(op)
        if is_measured:
            written = level = max(level, written, read)
        elif _is_pure(type(op)) or _has_constant_matrix(op):
            pass
        elif boundary:
            level += 1
        elif isinstance(op, UnitaryOp) or only_has_effect(op, MemoryEffectKind.READ):
            level = max(level, written)
            read = max(read, level)
        elif op.regions or not is_side_effect_free(op):
            boundary = True
            level = 1 + max(level, written, read)
            written = level
            # What borrows a register comes before the qubits that are taken out then.
            levels |= {each: level for each in op.operands if _is_register(each)}
        found[op] = level, not boundary
        levels |= dict.fromkeys(op.results, level)
        if is_measured:
            levels[op.results[0]] = level + 1
    last = block.last_op
    if last is not None and last.has_trait(IsTerminator):
        found[last] = 1 + max(level for level, _ in found.values()), 0
    return found


@cache
def _is_pure(kind: type[Operation]) -> bool:
    """Tell whether operations of a kind only compute, and are no boundaries."""
    if issubclass(kind, BOUNDARIES):
        return False
    return issubclass(kind, GateOp | DelayOp | ExtractOp) or kind.has_trait(Pure)


def _is_measurement(op: Operation) -> bool:
    """Tell whether an operation only measures qubits."""
    return isinstance(op, PauliMeasureOp) or (
        isinstance(op, MeasureOp) and op.reset is None
    )


def _has_constant_matrix(op: Operation) -> bool:
    """Tell whether an operation applies a matrix that no other one writes."""
    return isinstance(op, UnitaryOp) and isinstance(op.matrix.owner, GetGlobalOp)


def _is_register(value: SSAValue) -> bool:
    return isinstance(value.type, RegisterType)


def _used(op: Operation) -> Iterable[SSAValue]:
    """Return the operands of an operation and of those below it."""
    if not op.regions:
        return op.operands
    return (value for each in op.walk() for value in each.operands)


def _sort(
    block: Block, levels: dict[Operation, tuple[int, int]]
) -> dict[int, Operation]:
    """Sort a block by level, and return what follows each level."""
    order = sorted(levels, key=levels.__getitem__)
    if order != list(levels):
        for op in order:
            op.detach()
        block.add_ops(order)
    ends: dict[int, Operation] = {}
    for op, following in itertools.pairwise(order):
        if levels[op][0] != levels[following][0]:
            ends[levels[op][0]] = following
    return ends


def _read(
    block: Block, levels: dict[Operation, tuple[int, int]], measured: bool
) -> Iterator[_BlockCircuit]:
    """Yield the circuits of a block."""
    groups: dict[int, list[OnQubits]] = {}
    for op, (level, _) in levels.items():
        if not isinstance(op, OnQubits):
            continue
        if isinstance(op, CircuitOp) or (measured and _is_measurement(op)):
            groups.setdefault(level, []).append(op)
    for level, ops in sorted(groups.items()):
        yield _circuit(level, ops)


def _circuit(level: int, ops: list[OnQubits]) -> _BlockCircuit:
    wires: dict[SSAValue, int] = {}
    first: list[tuple[OnQubits, int]] = []
    after: list[SSAValue] = []
    instructions: list[Instruction] = []
    for op in ops:
        qubits = _qubits(op)
        offset = len(op.operands) - len(qubits)
        for index, qubit in enumerate(qubits):
            if qubit not in wires:
                wires[qubit] = len(first)
                first.append((op, offset + index))
                after.append(qubit)
        instructions.append(_instruction(op, wires))
        results = op.results[len(op.results) - len(qubits) :]
        for qubit, result in zip(qubits, results, strict=True):
            wires[result] = wires[qubit]
            after[wires[result]] = result
    places = tuple(_place(op.operands[index]) for op, index in first)
    fresh = (k for k, (op, index) in enumerate(first) if is_fresh(op.operands[index]))
    circuit = Circuit(
        len(first),
        tuple(instructions),
        places=places,
        fresh=frozenset(fresh),
        ops=tuple(ops),
    )
    return _BlockCircuit(level, ops, first, after, circuit)


def _qubits(op: OnQubits) -> Sequence[SSAValue]:
    """Return the qubits that an operation takes, and returns last."""
    return [op.qubit] if isinstance(op, MeasureOp) else op.qubits


def _instruction(op: OnQubits, wires: dict[SSAValue, int]) -> Gate | Opaque:
    if isinstance(op, GateOp) and not op.slots:
        return read_gate(op, wires)
    on = tuple(wires[qubit] for qubit in _qubits(op))
    if isinstance(op, CircuitOp):
        return Opaque(op, on)
    return Measurement(op, on, *_word_of(op))


def _place(qubit: SSAValue) -> int | None:
    """Return the wire at which a qubit was taken out of its register, if known."""
    owner = qubit.owner
    found = owner.wire if isinstance(owner, ExtractOp) else None
    return found if isinstance(found, int) else None


def is_fresh(qubit: SSAValue) -> bool:
    """Return whether a qubit is in |0>: it was allocated, or reset, just before.

    Delays and barriers in between change no state.
    """
    while isinstance(owner := qubit.owner, ExtractOp | PassThrough):
        if isinstance(owner, PassThrough):
            assert isinstance(qubit, OpResult)
            qubit = owner.qubits[qubit.index]
            continue
        wire, register = owner.wire, owner.register.owner
        while isinstance(register, InsertOp) and register.wire != wire:
            if not isinstance(wire, int) or not isinstance(register.wire, int):
                return False
            register = register.register.owner
        if not isinstance(register, InsertOp):
            return isinstance(register, AllocOp)
        qubit = register.qubit
    if isinstance(qubit.owner, MeasureOp):
        return qubit.owner.reset is not None
    return isinstance(qubit.owner, ResetOp)
