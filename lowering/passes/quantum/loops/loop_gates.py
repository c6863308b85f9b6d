"""The gates of a loop that are first, or last, on wires of its register."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import scf
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import MemoryEffectKind, is_side_effect_free, only_has_effect

from qjit.dialects.quantum import ExtractOp, GateOp, InsertOp
from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.passes.circuits.gates import Gate, read_gate, write_gate

QUIET = (scf.ForOp, scf.WhileOp, scf.IfOp, scf.YieldOp, scf.ConditionOp)


@dataclass
class GateLoop:
    """A loop over a register, whose body takes qubits out and puts them back.

    `first` and `last` are the qubits at the beginning and at the end of the body, by
    wire; those of wires that are computed are left out.
    """

    loop: scf.ForOp | scf.WhileOp
    block: Block
    entry: int  # the register among the operands of the loop
    given: int  # and among the arguments of the block
    left: int  # and among the results
    put_back: int  # and among what an iteration yields
    first: dict[int, SSAValue] = field(default_factory=dict[int, SSAValue])
    last: dict[int, SSAValue] = field(default_factory=dict[int, SSAValue])

    @staticmethod
    def of(loop: scf.ForOp | scf.WhileOp) -> "GateLoop | None":
        """Return a loop as one over a register; None if it has no register."""
        found = _for_loop(loop) if isinstance(loop, scf.ForOp) else _while_loop(loop)
        if found is None:
            return None
        for use in found.block.args[found.given].uses:
            op = use.operation
            if isinstance(op, ExtractOp) and isinstance(op.wire, int):
                found.first[op.wire] = op.qubit
        last = found.block.last_op
        assert last is not None
        register = last.operands[found.put_back]
        while isinstance(op := register.owner, InsertOp) and isinstance(op.wire, int):
            found.last.setdefault(op.wire, op.qubit)
            register = op.register
        return found

    def first_gates(self) -> Iterator[tuple[GateOp, Gate]]:
        """Yield the gates before which nothing is on their wires."""
        wires = {qubit: wire for wire, qubit in self.first.items()}
        for qubit in wires:
            for use in qubit.uses:
                op = use.operation
                if (
                    isinstance(op, GateOp)
                    and op.parent is self.block
                    and op.qubits[0] is qubit
                    and not op.slots
                    and wires.keys() >= set(op.qubits)
                ):
                    yield op, read_gate(op, wires)

    def last_gate(self, gate: Gate) -> tuple[GateOp, Gate] | None:
        """Return the gate that ends on all wires of another, and on no more."""
        qubits = [self.last.get(wire) for wire in gate.all_wires]
        op = qubits[0].owner if qubits and qubits[0] is not None else None
        if not isinstance(op, GateOp) or op.parent is not self.block or op.slots:
            return None
        if set(qubits) != set(op.results):
            return None
        ends = {qubit: wire for wire, qubit in self.last.items()}
        wires = {
            qubit: ends[result]
            for qubit, result in zip(op.qubits, op.results, strict=True)
        }
        return op, read_gate(op, wires)

    def hoist_parameters(self, gate: Gate) -> bool:
        """Move what computes the parameters before the loop; tell if that can be."""
        values = [leaf for param in gate.params for leaf in param.leaves()]
        own = [value for value in values if isinstance(value, SSAValue)]
        quiet = all(map(_is_quiet, self.loop.walk()))
        ops: dict[Operation, None] = {}
        if not all(self._invariant(value, ops, reads=quiet) for value in own):
            return False
        for op in ops:
            op.detach()
            Rewriter.insert_op(op, InsertPoint.before(self.loop))
        return True

    def _invariant(
        self, value: SSAValue, ops: dict[Operation, None], *, reads: bool
    ) -> bool:
        """Tell whether a value is the same in each iteration; collect what makes it."""
        owner = value.owner
        if isinstance(owner, Block):
            return not self._is_inside(owner.parent_op())
        if not self._is_inside(owner) or owner in ops:
            return True
        constant = is_side_effect_free(owner) or (
            reads and only_has_effect(owner, MemoryEffectKind.READ)
        )
        if owner.regions or not constant:
            return False
        if not all(self._invariant(each, ops, reads=reads) for each in owner.operands):
            return False
        ops[owner] = None
        return True

    def _is_inside(self, op: Operation | None) -> bool:
        while op is not None and op is not self.loop:
            op = op.parent_op()
        return op is self.loop

    def apply_before(self, gate: Gate) -> None:
        """Apply a gate to the register that the loop begins with."""
        at = InsertPoint.before(self.loop)
        register = self.loop.operands[self.entry]
        self.loop.operands[self.entry] = apply_gate(gate, register, at)

    def apply_after(self, gate: Gate) -> None:
        """Apply a gate to the register that the loop leaves."""
        result = self.loop.results[self.left]
        uses = list(result.uses)
        register = apply_gate(gate, result, InsertPoint.after(self.loop))
        for use in uses:
            use.operation.operands[use.index] = register


def _for_loop(loop: scf.ForOp) -> GateLoop | None:
    number = _register(loop.iter_args)
    if number is None:
        return None
    return GateLoop(loop, loop.body.block, 3 + number, 1 + number, number, number)


def _while_loop(loop: scf.WhileOp) -> GateLoop | None:
    """Return a loop whose condition hands its register on as it is."""
    number = _register(loop.arguments)
    condition = loop.before_region.block.last_op
    if number is None or not isinstance(condition, scf.ConditionOp):
        return None
    given = _register(condition.operands[1:])
    register = loop.before_region.block.args[number]
    if given is None or condition.operands[1:][given] is not register:
        return None
    return GateLoop(loop, loop.after_region.block, number, given, given, number)


def _register(values: Sequence[SSAValue]) -> int | None:
    """Return which of some values is a register, if it is only one."""
    found = [n for n, each in enumerate(values) if isinstance(each.type, RegisterType)]
    return found[0] if len(found) == 1 else None


def loops_inside_out(op: Operation) -> list[scf.ForOp | scf.WhileOp]:
    """Return the loops below an operation, each one after those in its body."""
    found = [each for each in op.walk() if isinstance(each, scf.ForOp | scf.WhileOp)]
    return found[::-1]


def remove_gate(op: GateOp) -> None:
    """Take a gate away."""
    for qubit, result in zip(op.qubits, op.results, strict=True):
        result.replace_all_uses_with(qubit)
    Rewriter.erase_op(op)


def replace_gate(op: GateOp, gate: Gate, wires: dict[int, SSAValue]) -> None:
    """Put a gate on the same wires in the place of another one."""
    before = {
        wire: qubit
        for wire, last in wires.items()
        for qubit, result in zip(op.qubits, op.results, strict=True)
        if result is last
    }
    after = dict(before)
    write_gate(gate, after, lambda new: Rewriter.insert_op(new, InsertPoint.before(op)))
    for wire in before:
        wires[wire].replace_all_uses_with(after[wire])
    Rewriter.erase_op(op)


def apply_gate(gate: Gate, register: SSAValue, at: InsertPoint) -> SSAValue:
    """Insert a gate on wires of a register, and return the register after it."""
    ops: list[Operation] = []
    qubits: dict[int, SSAValue] = {}
    for wire in gate.all_wires:
        extract = ExtractOp(register, wire)
        ops.append(extract)
        qubits[wire] = extract.qubit
    write_gate(gate, qubits, ops.append)
    for wire in gate.all_wires:
        insert = InsertOp(register, wire, qubits[wire])
        ops.append(insert)
        register = insert.out_register
    Rewriter.insert_op(ops, at)
    return register


def _is_quiet(op: Operation) -> bool:
    """Tell whether an operation writes nothing."""
    if isinstance(op, QUIET):
        return True
    return is_side_effect_free(op) or only_has_effect(op, MemoryEffectKind.READ)
