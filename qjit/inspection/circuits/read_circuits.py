"""The circuits of a module as trees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import scf
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import SymbolTable

from qjit.dialects import quantum
from qjit.dialects.gates import CONTROLLED, GATES
from qjit.dialects.quantum.gates import Controllable
from qjit.dialects.quantum.types import register_size
from qjit.lowering.passes.quantum.timing.durations import seconds_text
from qjit.lowering.passes.quantum.timing.operation_durations import (
    durations_of,
    parts,
    wires_meet,
)
from qjit.lowering.program_attributes import CIRCUIT, LABELS

from .expressions import Expression, operation
from .read_loops import Head, bound, counted, is_register, read_while
from .read_terminals import read_terminal
from .read_values import Names, Values
from .tree import (
    Branch,
    Case,
    Circuit,
    Delay,
    Gate,
    Loop,
    Measure,
    Meeting,
    Node,
    Permutation,
    Reset,
    Terminal,
    Timed,
    Wire,
    shown_texts,
    walk,
)

COUNTERS = "ijk"


def read_circuits(module: ModuleOp, arguments: Sequence[str]) -> list[Circuit]:
    """Return the circuits of a module, whose entry takes arguments of these names."""
    found = [op for op in module.walk() if isinstance(op, quantum.AllocOp)]
    return [_circuit(module, op, arguments) for op in found]


def _circuit(
    module: ModuleOp, start: quantum.AllocOp, arguments: Sequence[str]
) -> Circuit:
    entry = next(op for op in module.ops if isinstance(op, FuncOp))
    values = Values(Names(set(arguments)))
    values.arrays.update(zip(entry.body.block.args, arguments, strict=False))
    durations = durations_of(start)
    size = register_size(start.register)
    reader = _Reader(values, size, scheduled=durations is not None)
    block = start.parent
    assert block is not None
    body = reader.block(block, start)
    terminals = tuple(reader.terminals)
    name, labels = start.attributes.get(CIRCUIT), start.attributes.get(LABELS)
    return Circuit(
        name.data if isinstance(name, StringAttr) else "circuit",
        reader.num_wires,
        body,
        terminals,
        tuple(each.data for each in labels if isinstance(each, StringAttr))
        if isinstance(labels, ArrayAttr)
        else (),
        _read_legend(values.names.legend, body, terminals),
        values.names.tables,
        durations,
    )


def _read_legend(
    legend: Mapping[str, str], body: Sequence[Node], terminals: Sequence[Terminal]
) -> dict[str, str]:
    """Return the part of a legend that is about names that are shown."""
    texts = [text for node in walk(body) for text in shown_texts(node)]
    texts += [each.observable for each in terminals]
    found: dict[str, str] = {}
    while texts:
        words = set(re.findall(r"[^\W\d]\w*", " ".join(texts)))
        new = {k: v for k, v in legend.items() if k in words and k not in found}
        found |= new
        texts = [*new.values()]
    return {name: legend[name] for name in legend if name in found}


@dataclass
class _Reader:
    """Reads operations in order, and follows qubits from wire to wire.

    A place is a wire as the IR has it; a line is where a qubit is drawn. They differ
    where passes let qubits change places.
    """

    values: Values
    num_wires: int
    scheduled: bool
    terminals: list[Terminal] = field(default_factory=list[Terminal])
    outcomes: int = 0
    depth: int = 0
    lines: dict[int, int] = field(default_factory=dict[int, int])
    qubits: dict[SSAValue, Wire] = field(default_factory=dict[SSAValue, Wire])

    def block(self, block: Block, after: Operation | None = None) -> tuple[Node, ...]:
        """Return what a block does, or the rest of it after an operation."""
        outer, self.lines = self.lines, {}
        found: list[Node] = []
        op = block.first_op if after is None else after.next_op
        while op is not None:
            if self.scheduled and wires_meet(op):
                found.append(Meeting())
            found.extend(self._operation(op))
            if isinstance(op, quantum.DeallocOp):
                break
            op = op.next_op
        found.extend(self._settled())
        self.lines = outer
        return tuple(found)

    def _operation(self, op: Operation) -> Iterator[Node]:
        match op:
            case quantum.ExtractOp():
                self.qubits[op.qubit] = self._wire(op.wire)
            case quantum.InsertOp():
                wire, line = op.wire, self.qubits[op.qubit]
                if isinstance(wire, int) and isinstance(line, int):
                    self.lines[wire] = line
            case Controllable():
                yield self._gate(op)
            case quantum.DelayOp():
                yield self._delay(op)
            case quantum.BarrierOp():
                self._pass_through(op)
            case quantum.MeasureOp():
                yield self._measure(op)
            case quantum.ResetOp():
                self.qubits[op.out_qubit] = self.qubits[op.qubit]
                yield Reset(self.qubits[op.qubit], self._timed(op))
            case quantum.StatePrepOp():
                yield from self._settled()
                fixed = () if op.wires is None else op.wires.get_values()
                wires = (*fixed, *map(self.values.index, op.dynamic_wires))
                yield Gate("StatePrep", "StatePrep", wires)
            case CallOp():
                yield from self._call(op)
            case _ if _has_gates(op):
                yield from self._settled()
                yield from self._control_flow(op)
            case _ if any(map(is_register, op.operands)):
                yield from self._settled()
                self.terminals.extend(read_terminal(op, self.values))
            case _:
                pass

    def _wire(self, wire: int | SSAValue) -> Wire:
        if not isinstance(wire, int):
            found = self.values.index(wire)
            if found.number is None:
                return found
            wire = int(found.number)
        return self.lines.get(wire, wire)

    def _settled(self) -> Iterator[Node]:
        """Put all qubits where the IR has them."""
        moved = {place: line for place, line in self.lines.items() if place != line}
        self.lines.clear()
        if moved:
            yield Permutation(tuple(moved.values()), tuple(moved))

    def _gate(self, op: Controllable) -> Gate:
        wires = [self.qubits[qubit] for qubit in op.qubits]
        self.qubits.update(zip(op.results, wires, strict=True))
        count = len(op.targets)
        targets, controls = tuple(wires[:count]), tuple(wires[count:])
        on = targets, controls, op.control_pattern
        adjoint = op.adjoint is not None
        if not isinstance(op, quantum.GateOp):
            diagonal = isinstance(op, quantum.UnitaryOp) and op.diagonal is not None
            name = "DiagonalQubitUnitary" if diagonal else "QubitUnitary"
            extra = len(controls)
            return Gate(name, "U", *on, (), adjoint, extra, "", self._timed(op))
        name = op.gate.data
        if all(op.control_pattern):
            name = CONTROLLED.get((name, len(controls)), name)
        record = GATES[name]
        own = len(controls) if record.num_controls is None else record.num_controls
        extra = len(controls) - own
        note = op.word.data if op.word is not None else ""
        if op.dim is not None:
            note = f"dim {op.dim.value.data}"
        params = tuple(map(self.values.parameter, op.params))
        more = adjoint, extra, note, self._timed(op)
        return Gate(name, record.base or name, *on, params, *more)

    def _timed(self, op: Operation) -> Timed:
        return tuple(parts(op)) if self.scheduled else ()

    def _pass_through(self, op: quantum.PassThrough) -> tuple[Wire, ...]:
        """Follow the qubits through an operation, and return their wires."""
        wires = tuple(self.qubits[qubit] for qubit in op.qubits)
        self.qubits.update(zip(op.results, wires, strict=True))
        return wires

    def _delay(self, op: quantum.DelayOp) -> Delay:
        wires, text = self._pass_through(op), seconds_text(op.seconds)
        return Delay("Delay", "Delay", wires, note=text, seconds=op.seconds)

    def _measure(self, op: quantum.MeasureOp) -> Measure:
        wire = self.qubits[op.out_qubit] = self.qubits[op.qubit]
        name = f"m{self.outcomes}"
        self.outcomes += 1
        self.values.known[op.outcome] = Expression(name)
        chosen = None if op.postselect is None else op.postselect.value.data
        return Measure(wire, name, chosen, op.reset is not None, self._timed(op))

    def _call(self, op: CallOp) -> Iterator[Node]:
        """Read the function where it is called."""
        called = SymbolTable.lookup_symbol(op, op.callee)
        if not any(map(is_register, op.operands)) or not isinstance(called, FuncOp):
            return
        yield from self._settled()
        block = called.body.block
        kept = dict(self.values.known)
        self.values.same.update(zip(block.args, op.operands, strict=True))
        yield from self.block(block)
        self.values.known = kept  # the next call has other arguments

    def _control_flow(self, op: Operation) -> Iterator[Node]:
        match op:
            case scf.ForOp():
                yield self._for(op)
            case scf.WhileOp():
                yield self._while(op)
            case scf.IfOp():
                yield self._if(op)
            case scf.IndexSwitchOp():
                yield self._switch(op)
            case _:  # what is done for each of several entries at once
                for region in op.regions:
                    for block in region.blocks:
                        yield from self.block(block)

    def _inside(self, block: Block) -> tuple[Node, ...]:
        self.depth += 1
        found = self.block(block)
        self.depth -= 1
        idle = all(isinstance(node, Meeting) for node in found)
        return () if idle else found

    def _counter(self) -> str:
        letters = (COUNTERS[self.depth :] or COUNTERS[-1:]) + COUNTERS
        return self.values.names.fresh(letters)

    def _for(self, op: scf.ForOp) -> Loop:
        counter, values = self._counter(), self.values
        start, stop, step = map(values.read, (op.lb, op.ub, op.step))
        number, *carried = op.body.block.args
        values.known[number] = Expression(counter)
        rounds = operation("-", Expression(counter), start)
        if step.number != 1:
            rounds = operation("/", rounds, step)
        last = op.body.block.last_op
        assert last is not None
        for arg, first, after in zip(carried, op.iter_args, last.operands, strict=True):
            if after is arg:
                values.same[arg] = first
            elif (by := counted(arg, after, values)) is not None:
                moved = operation("*", by, rounds)
                values.known[arg] = operation("+", values.read(first), moved)
        body = self._inside(op.body.block)
        self.values.names.taken.discard(counter)
        return self._loop(counter, Head(start, bound(start, stop), step), body)

    def _while(self, op: scf.WhileOp) -> Loop:
        counter = self._counter()
        found = read_while(op, counter, self.values)
        body = self._inside(op.after_region.block)
        self.values.names.taken.discard(counter)
        return self._loop(counter, found, body)

    def _loop(self, counter: str, head: Head, body: tuple[Node, ...]) -> Loop:
        shown = head.stop or head.condition
        text = "" if shown is None else self.values.short(shown).text()
        return Loop(
            counter, head.start, head.stop, head.step, body, head.condition, text
        )

    def _if(self, op: scf.IfOp) -> Branch:
        condition = self.values.read(op.cond)
        true, false = Expression(1), operation("not ", condition)
        cases = [(f"if {self._text(condition)}", condition, op.true_region)]
        if op.false_region.blocks:
            cases.append(("else", true, op.false_region))
        found = [
            Case(label, when, self._inside(region.block))
            for label, when, region in cases
        ]
        full = [case for case in found if case.body]
        if len(full) == 1 and full[0] is found[-1] and len(found) == 2:
            return Branch((Case(f"if {self._text(false)}", false, full[0].body),))
        return Branch(tuple(found if found[-1].body else found[:1]))

    def _text(self, condition: Expression) -> str:
        return self.values.short(condition).text()

    def _switch(self, op: scf.IndexSwitchOp) -> Branch:
        chosen = self.values.index(op.arg)
        numbers = op.cases.get_values()
        regions = [*op.case_regions, op.default_region]
        conditions = [operation("==", chosen, Expression(int(n))) for n in numbers]
        found = [
            Case(f"if {self._text(when)}", when, self._inside(region.block))
            for when, region in zip(conditions, regions, strict=False)
        ]
        body = self._inside(op.default_region.block)
        return Branch((*found, Case("else", Expression(1), body)))


def _has_gates(op: Operation) -> bool:
    """Tell whether registers or qubits go through the regions of an operation."""
    if not op.regions:
        return False
    if any(map(is_register, (*op.operands, *op.results))):
        return True
    return any(
        is_register(value)
        for each in op.walk()
        if each is not op
        for value in each.operands
    )
