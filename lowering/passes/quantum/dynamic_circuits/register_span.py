"""What stands between the beginning and the end of a register, and its wires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import scf
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    StringAttr,
    i64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import IsTerminator, MemoryEffectKind, get_effects

from qjit.dialects.quantum import (
    AllocOp,
    DeallocOp,
    ExtractOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    ResetOp,
    StatePrepOp,
)
from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.measurements import (
    Readout,
    ResourcesOp,
    StateOp,
    Statistic,
)
from qjit.dialects.quantum.types import FactorAttr, RegisterType, TermAttr
from qjit.lowering.program_attributes import LABELS

CONTROL_FLOW = (scf.ForOp, scf.WhileOp, scf.IfOp, scf.IndexSwitchOp)
QUBIT_OPERATIONS = (Controllable, PassThrough, MeasureOp, ResetOp)
KNOWN = (
    *(*CONTROL_FLOW, *QUBIT_OPERATIONS, DeallocOp, ExtractOp, InsertOp),
    *(StatePrepOp, Readout, Statistic),
)


@dataclass(frozen=True)
class RegisterSpan:
    """The operations of one block from where a register begins to where it ends."""

    alloc: AllocOp
    dealloc: DeallocOp

    @staticmethod
    def of(alloc: AllocOp) -> RegisterSpan | None:
        """Return the span of a register; None where other operations share it.

        These are functions that are called with it, gradients, and other registers.
        """
        own: set[Operation] = {alloc}
        op = alloc.next_op
        while op is not None:
            own |= set(op.walk())
            if isinstance(op, DeallocOp):
                break
            op = op.next_op
        if not isinstance(op, DeallocOp) or "vertices" in alloc.attributes:
            return None
        if not all(each is alloc or _is_known(each, own) for each in own):
            return None
        return RegisterSpan(alloc, op)

    def __iter__(self) -> Iterator[Operation]:
        op = self.alloc.next_op
        while op is not None:
            following = op.next_op
            yield op
            if op is self.dealloc:
                return
            op = following

    def walk(self) -> Iterator[Operation]:
        """Yield all operations, those in regions too."""
        for op in self:
            yield from op.walk()

    @property
    def size(self) -> int:
        """The number of wires."""
        return self.alloc.register.type.size.data

    @property
    def can_grow(self) -> bool:
        """Whether nothing looks at the whole register, however large it is."""
        return not any(isinstance(op, StateOp | ResourcesOp) for op in self.walk())

    @property
    def measures(self) -> bool:
        """Whether there are measurements or resets."""
        return any(isinstance(op, MeasureOp | ResetOp) for op in self.walk())

    @property
    def computes_wires(self) -> bool:
        """Whether there are wires that are known only when the program runs."""
        return any(
            (isinstance(op, ExtractOp | InsertOp) and not isinstance(op.wire, int))
            or (isinstance(op, StatePrepOp) and op.wires is None)
            for op in self.walk()
        )

    def grow(self, size: int) -> None:
        """Let the register have further wires, which nothing at its end looks at."""
        wires = {wire: wire for wire in range(self.size)}
        for op in self.walk():
            if isinstance(op, Readout | Statistic):
                rename_readout(op, wires, size)
        labels = self.alloc.attributes.get(LABELS)
        if isinstance(labels, ArrayAttr):
            more = (StringAttr(str(wire)) for wire in range(self.size, size))
            self.alloc.attributes[LABELS] = ArrayAttr([*labels.data, *more])
        self.set_size(size)

    def set_size(self, size: int) -> None:
        """Give all values that are the register the type of another size."""
        values: list[SSAValue] = [self.alloc.register]
        for op in self.walk():
            values += op.results
            values += [a for r in op.regions for b in r.blocks for a in b.args]
        for value in values:
            if isinstance(value.type, RegisterType):
                Rewriter.replace_value_with_new_type(value, RegisterType(size))


def _is_known(op: Operation, own: set[Operation]) -> bool:
    """Tell whether an operation does only what is known, and with one register only."""
    registers = [
        value
        for value in (*op.operands, *op.results)
        if isinstance(value.type, RegisterType)
    ]
    if any(_maker(value) not in own for value in registers):
        return False
    return not registers or isinstance(op, KNOWN) or op.has_trait(IsTerminator)


def _maker(value: SSAValue) -> Operation | None:
    owner = value.owner
    return owner if isinstance(owner, Operation) else owner.parent_op()


def rename_readout(
    op: Readout | Statistic, wires: Mapping[int, int], size: int
) -> None:
    """Let a measurement at the end look at other wires, of a register of a size."""
    if isinstance(op, Readout):
        measured = [wires[wire] for wire in op.measured]
        op.wires = DenseArrayBase.from_list(i64, measured)
        return
    terms: list[TermAttr] = []
    for term in op.terms:
        letters = ["I"] * size
        for wire, letter in enumerate(term.word.data):
            if letter != "I":
                letters[wires[wire]] = letter
        factors = [
            FactorAttr(each.matrix, [wires[wire] for wire in each.wires.get_values()])
            for each in term.factors
        ]
        terms.append(TermAttr("".join(letters), factors))
    op.terms = ArrayAttr(terms)


def wires_looked_at(op: Readout | Statistic) -> set[int]:
    """Return the wires on which the result of a measurement depends."""
    if isinstance(op, Readout):
        return set(op.measured)
    found = set[int]()
    for term in op.terms:
        found |= {w for w, letter in enumerate(term.word.data) if letter != "I"}
        found |= {w for each in term.factors for w in each.wires.get_values()}
    return found


def wires_inside(op: Operation, size: int) -> set[int]:
    """Return the wires that an operation takes; all if some are computed."""
    found = set[int]()
    for each in op.walk():
        if isinstance(each, ExtractOp | InsertOp):
            if not isinstance(each.wire, int):
                return set(range(size))
            found.add(each.wire)
        elif isinstance(each, StatePrepOp):
            if each.wires is None:
                return set(range(size))
            found |= set(each.wires.get_values())
        elif isinstance(each, Readout | Statistic):
            found |= wires_looked_at(each)
    return found


def touches_register(op: Operation) -> bool:
    """Tell whether an operation takes or gives registers, also within its regions."""
    return any(
        isinstance(value.type, RegisterType)
        for each in op.walk()
        for value in (*each.operands, *each.results)
    )


def outer_registers(op: Operation) -> set[SSAValue]:
    """Return the registers that an operation takes, also within its regions."""
    inner = set(op.walk())
    return {
        value
        for value in values_used(op)
        if isinstance(value.type, RegisterType) and _maker(value) not in inner
    }


def values_used(op: Operation) -> Iterator[SSAValue]:
    """Yield the operands of an operation and of those in its regions."""
    for each in op.walk():
        yield from each.operands


def looks(op: Operation) -> bool:
    """Tell whether an operation may depend on which measurements were before it.

    Such are measurements at the end, and what counts paths of outcomes; but not what
    only reads and writes memory.
    """
    if isinstance(op, Readout | Statistic | DeallocOp):
        return True
    if isinstance(op, (*CONTROL_FLOW, *QUBIT_OPERATIONS, ExtractOp, InsertOp)):
        return any(looks(each) for r in op.regions for b in r.blocks for each in b.ops)
    if isinstance(op, StatePrepOp) or op.has_trait(IsTerminator):
        return False
    effects = get_effects(op)
    return effects is None or any(e.kind not in MEMORY for e in effects)


MEMORY = frozenset(MemoryEffectKind)


@dataclass
class OpenRegister:
    """A register, and the qubits that are taken out of it, by wire."""

    register: SSAValue
    out: dict[int, SSAValue] = field(default_factory=dict[int, SSAValue])

    def qubit(self, wire: int, before: Operation) -> SSAValue:
        """Return the qubit of a wire, which is taken out if it is not."""
        if wire not in self.out:
            taken = ExtractOp(self.register, wire)
            Rewriter.insert_op(taken, InsertPoint.before(before))
            self.out[wire] = taken.qubit
        return self.out[wire]

    def pass_through(
        self, op: Operation, wires: Sequence[int], before: Operation
    ) -> None:
        """Give an operation the qubits of wires, last, and take what it returns."""
        first = len(op.operands) - len(wires)
        for index, wire in enumerate(wires):
            op.operands[first + index] = self.qubit(wire, before)
        results = op.results[len(op.results) - len(wires) :]
        self.out |= zip(wires, results, strict=True)

    def close(
        self, before: Operation, moved: Mapping[int, int] | None = None
    ) -> SSAValue:
        """Put all qubits back, those of some wires at others; return the register."""
        moved = moved or {}
        for wire, other in moved.items():
            if wire != other:
                self.qubit(wire, before)
        values = {moved.get(wire, wire): qubit for wire, qubit in self.out.items()}
        for wire, qubit in sorted(values.items()):
            back = InsertOp(self.register, wire, qubit)
            Rewriter.insert_op(back, InsertPoint.before(before))
            self.register = back.out_register
        self.out.clear()
        return self.register

    def hand_over(self, op: Operation, moved: Mapping[int, int] | None = None) -> None:
        """Give an operation the register, closed, and take the one that it returns."""
        given = outer_registers(op)
        register = self.close(op, moved)
        for each in op.walk():
            for index, value in enumerate(each.operands):
                if value in given:
                    each.operands[index] = register
        for result in op.results:
            if isinstance(result.type, RegisterType):
                self.register = result
