"""QIR, quantum programs in LLVM's language (QIR Alliance, version 2.1)."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from xdsl.dialects.builtin import f64, i1
from xdsl.ir import Attribute, Operation

from qjit.dialects.gates import CONTROLLED, GATES
from qjit.dialects.gates.fourier import parameters
from qjit.dialects.gates.spelling import spelled
from qjit.dialects.targets.qir import BARRIER, MEASURE, RESET, QirDialect, gates
from qjit.lowering.passes.quantum.decomposition.expansion import gates_of_swap

from .emitter import AppliedGate, EmissionError, Wire, WithoutSubroutines
from .qir_arithmetic import compute, float_text, negative, type_of
from .qir_module import (
    INITIALIZE,
    READ,
    RECORD_ARRAY,
    RECORD_BOOL,
    RECORD_RESULT,
    Lines,
    QirModule,
    qubit_or_result,
    verified,
    without_unread,
)
from .values import Expression, is_known, whole


@dataclass
class QirEmitter(WithoutSubroutines):
    """A circuit in QIR, as it is written."""

    dialect: QirDialect
    lines: Lines = field(default_factory=list[str])
    label: str = "entry"
    """The block that is written."""
    depth: int = 0
    """How many branches and loops are around."""
    num_bits: int = 0
    """Results that are recorded, once the program is finished."""
    num_values: int = 0
    num_joins: int = 0
    pointers: dict[str, str] = field(default_factory=dict[str, str])
    """The results that outcomes are read from, and which keep them to the end."""
    measured: set[int] = field(default_factory=set[int])
    """Wires on which nothing may follow, in the base profile."""
    touched: set[int] = field(default_factory=set[int])
    measurements: Lines = field(default_factory=list[str])
    """Those of the base profile, which are written last."""
    has_counters = False

    def __post_init__(self) -> None:
        entry = QirModule(self.dialect.profile, version=self.dialect.version)
        self.module = entry

    @property
    def has_branches(self) -> bool:
        """Whether outcomes may decide what is applied."""
        return self.dialect.has_branches and not self.dialect.is_base

    @property
    def has_loops(self) -> bool:
        """Whether outcomes may decide how often something is applied."""
        return self.dialect.has_loops and self.has_branches

    # Qubits

    def parameter(self, name: str) -> Expression:
        """Refuse a number that is given when the program runs."""
        raise EmissionError("parameters, which programs in QIR do not take")

    def constant(self, bit: bool) -> Expression:
        """Return a bit that is always the same."""
        return Expression(self._text(bit, i1), i1)

    def allocate(self, num_qubits: int) -> None:
        """Take more qubits."""
        self.module.num_qubits += num_qubits

    def _qubit(self, wire: Wire) -> str:
        if isinstance(wire, Expression):
            raise EmissionError("a wire that the device computes")
        wire = int(wire)
        self.module.num_qubits = max(self.module.num_qubits, wire + 1)
        if self.dialect.is_base and wire in self.measured:
            raise EmissionError(
                "an operation on a qubit after its measurement, which QIR's base "
                "profile does not have"
            )
        self.touched.add(wire)
        return f"ptr {qubit_or_result(wire)}"

    def _symbol(self, name: str, what: str) -> str:
        found = self.dialect.symbols.get(name)
        if found is None:
            raise EmissionError(what)
        return found

    def _call(self, symbol: str, arguments: Sequence[str]) -> None:
        self.lines.append(f"  {self.module.call(symbol, arguments)}")

    def gate(self, gate: AppliedGate) -> None:
        """Write a gate; phases of the whole state are left out."""
        if gate.name == "I" or (gate.name == "GlobalPhase" and not gate.controls):
            return
        spelling, params = self._spelled(gate)
        if spelling not in self.dialect.symbols and gate.name == "SWAP":
            self._swap(gate.targets)
            return
        symbol = self._symbol(spelling, f"the gate {spelling}")
        wires = map(self._qubit, (*gate.controls, *gate.targets))
        angles = [f"double {each}" for each in params]
        self._call(symbol, [*angles, *wires])

    def _swap(self, wires: Sequence[Wire]) -> None:
        """Write a SWAP in gates of the dialect."""
        found = gates_of_swap(gates(self.dialect))
        if found is None:
            raise EmissionError("the gate SWAP")
        for gate in found:
            params = tuple(param.known for param in gate.params)
            targets = tuple(wires[place] for place in gate.targets)
            controls = tuple(wires[place] for place in gate.all_controls)
            values, adjoint = gate.all_control_values, gate.adjoint
            self.gate(
                AppliedGate(gate.name, params, targets, controls, values, adjoint)
            )

    def _spelled(self, gate: AppliedGate) -> tuple[str, list[str]]:
        """Return how a gate is spelled, and its angles."""
        record = GATES[gate.name]
        name = gate.name
        if record.num_controls == 0 and gate.controls:
            name = CONTROLLED.get((name, len(gate.controls)), name)
        fixed = GATES[name].num_controls == len(gate.controls)
        if not fixed or not all(gate.pattern):
            raise EmissionError(f"the gate {gate.name} under these controls")
        angles = list(map(self._angle, gate.params))
        adjoint = gate.adjoint and not record.self_adjoint
        if not adjoint or spelled(name, adjoint) in self.dialect.symbols:
            return spelled(name, adjoint), angles
        opposite = record.adjoint_angles
        if not angles or opposite is None:
            return spelled(name, adjoint), angles
        if all(map(is_known, gate.params)):
            known = [float(each) for each in gate.params]
            return name, [float_text(each.evaluate(known)) for each in opposite]
        if opposite != tuple(-each for each in parameters(len(angles))):
            raise EmissionError(f"the gate {spelled(name, adjoint)}")
        return name, [negative(self._write, "double", each) for each in angles]

    def _angle(self, value: Any) -> str:
        if not isinstance(value, Expression):
            return float_text(float(value))
        self._typed(value.kind)
        if value.kind == f64:
            return str(value.code)
        self._typed(f64)
        return self._write(f"fpext {type_of(value.kind)} {value.code} to double")

    def measure(self, wire: Wire) -> Expression:
        """Write a measurement, and return its outcome."""
        symbol = self._symbol(MEASURE, "a measurement")
        pointer = qubit_or_result(self.module.num_results)
        name = f"%m{self.module.num_results}"
        self.module.irreversible.add(symbol)
        arguments = [self._qubit(wire), f"ptr writeonly {pointer}"]
        call = f"  {self.module.call(symbol, arguments)}"
        self.module.num_results += 1
        if self.dialect.is_base:
            assert not isinstance(wire, Expression)
            self.measured.add(wire)
            self.measurements.append(call)
        else:
            read = self.module.call(READ, [f"ptr readonly {pointer}"])
            self.lines += [call, f"  {name} = {read}"]
        if self.depth == 0:
            self.pointers[name] = pointer
        return Expression(name, i1)

    def reset(self, wire: Wire) -> None:
        """Write a reset to |0>; in the base profile, of a qubit that is left alone."""
        if self.dialect.is_base and not isinstance(wire, Expression):
            if wire in self.touched:
                self.measured.add(wire)
            return
        symbol = self._symbol(RESET, "a reset")
        self.module.irreversible.add(symbol)
        self._call(symbol, [self._qubit(wire)])

    def barrier(self, wires: Sequence[Wire]) -> None:
        """Write a barrier, if the device has such: else it moves no gates."""
        symbol = self.dialect.symbols.get(BARRIER)
        if symbol is not None:
            self._call(symbol, list(map(self._qubit, wires)))

    def delay(self, seconds: float, wires: Sequence[Wire]) -> None:
        """Refuse a delay, which QIR does not have."""
        raise EmissionError("a delay, which QIR does not have")

    # Numbers

    def _write(self, instruction: str) -> str:
        """Write an instruction, and return the name of its value."""
        name = f"%v{self.num_values}"
        self.num_values += 1
        self.lines.append(f"  {name} = {instruction}")
        return name

    def _typed(self, kind: Attribute, op: Operation | None = None) -> str:
        """Return a type that is computed with."""
        found = type_of(kind)
        if found == "i1":
            return found
        is_integer = found.startswith("i")
        has = self.dialect.has_integers if is_integer else self.dialect.has_floats
        if not has or self.dialect.is_base:
            what = "an integer" if is_integer else "a number"
            raise EmissionError(f"{what} that the device computes", op)
        (self.module.integers if is_integer else self.module.floats).add(found)
        return found

    def _text(self, value: Any, kind: Attribute) -> str:
        """Return a known value, or an expression, of a type."""
        if isinstance(value, Expression):
            return str(value.code)
        found = type_of(kind)
        if found == "i1":
            return "true" if value else "false"
        if found.startswith("i"):
            return str(int(value))
        narrow = {"float": np.float32, "half": np.float16}.get(found, np.float64)
        return float_text(float(narrow(value)))

    def operation(self, op: Operation, operands: Sequence[Any]) -> Expression:
        """Write a classical operation of numbers and expressions."""
        self._bits_decide(op)
        kind = op.results[0].type
        for each in (kind, *(operand.type for operand in op.operands)):
            self._typed(each, op)
        given = [
            self._text(value, operand.type)
            for value, operand in zip(operands, op.operands, strict=True)
        ]
        return Expression(compute(op, given, self._write), kind)

    def _bits_decide(self, op: Operation | None = None) -> None:
        if self.dialect.is_base:
            raise EmissionError("a value that outcomes decide", op)

    def select(self, outcome: Expression, one: Any, zero: Any, kind: Attribute) -> Any:
        """Write a choice between two values."""
        known = kind == i1 and is_known(one) and is_known(zero)
        if known and one and not zero:
            return outcome
        self._bits_decide()
        if known:
            if bool(one) == bool(zero):
                return one
            return Expression(self._write(f"xor i1 {outcome.code}, true"), i1)
        name = self._typed(kind)
        texts = [self._text(value, kind) for value in (one, zero)]
        choice = f"{name} {texts[0]}, {name} {texts[1]}"
        return Expression(self._write(f"select i1 {outcome.code}, {choice}"), kind)

    # Control flow

    def _block(self, label: str, function: Callable[[], Any]) -> tuple[Lines, str]:
        """Return the lines that a function writes after a label, and where they end."""
        kept = self.lines, self.label
        self.lines, self.label = [], label
        self.depth += 1
        try:
            function()
            return self.lines, self.label
        finally:
            self.lines, self.label = kept
            self.depth -= 1

    def _at_end(self, lines: Lines, value: Any, kind: Attribute) -> str:
        """Return a value that may need more lines at the end of a block."""
        kept, self.lines = self.lines, lines
        try:
            return self._text(whole(value, kind, self.select), kind)
        finally:
            self.lines = kept

    def _begin(self, label: str) -> None:
        self.lines.append(f"{label}:")
        self.label = label

    def _fresh(self) -> int:
        self.num_joins += 1
        return self.num_joins - 1

    def branch(
        self,
        condition: Expression,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        results: Callable[[], Sequence[tuple[Any, Any, Attribute]]],
    ) -> list[Expression]:
        """Write a branch, and a phi node for each of its results."""
        if not self.has_branches:
            raise EmissionError("a branch that outcomes decide")
        number = self._fresh()
        names = f"then{number}", f"else{number}"
        blocks = [
            self._block(name, side)
            for name, side in zip(names, (then, otherwise), strict=True)
        ]
        (one, one_end), (zero, zero_end) = blocks
        merged = [
            (
                self._typed(kind),
                self._at_end(one, values[0], kind),
                self._at_end(zero, values[1], kind),
                kind,
            )
            for *values, kind in results()
        ]
        if not one and not zero:
            choice = f"select i1 {condition.code}"
            return [
                Expression(self._write(f"{choice}, {name} {a}, {name} {b}"), kind)
                for name, a, b, kind in merged
            ]
        join = f"join{number}"
        ends = one_end if one else self.label, zero_end if zero else self.label
        self._jump(
            condition.code, names[0] if one else join, names[1] if zero else join
        )
        for name, (lines, _) in zip(names, blocks, strict=True):
            if lines:
                self.lines += [f"{name}:", *lines, f"  br label %{join}"]
        self._begin(join)
        return [
            Expression(
                self._write(f"phi {name} [ {a}, %{ends[0]} ], [ {b}, %{ends[1]} ]"),
                kind,
            )
            for name, a, b, kind in merged
        ]

    def _jump(self, condition: str, then: str, otherwise: str) -> None:
        self.lines.append(f"  br i1 {condition}, label %{then}, label %{otherwise}")

    def loop(
        self,
        condition: Expression,
        initial: Sequence[Any],
        kinds: Sequence[Attribute],
        body: Callable[[Sequence[Expression]], tuple[Expression, Sequence[Any]]],
    ) -> list[Expression]:
        """Write a loop: its header has a phi node for the condition and each value."""
        if not self.has_loops:
            raise EmissionError("a loop that outcomes decide")
        self.module.has_loops = True
        number = self._fresh()
        header, inside, end = (f"{each}{number}" for each in ("loop", "body", "exit"))
        types = [self._typed(kind) for kind in (i1, *kinds)]
        pairs = list(zip((condition, *initial), (i1, *kinds), strict=True))
        first = [self._text(value, kind) for value, kind in pairs]
        names = [f"%v{self.num_values + place}" for place in range(len(types))]
        self.num_values += len(names)
        variables = [
            Expression(name, kind) for name, kind in zip(names[1:], kinds, strict=True)
        ]
        last: list[str] = []

        def write() -> None:
            again, values = body(variables)
            last.extend(
                self._text(value, kind)
                for value, kind in zip((again, *values), (i1, *kinds), strict=True)
            )

        lines, latch = self._block(inside, write)
        before = self.label
        self.lines.append(f"  br label %{header}")
        self._begin(header)
        self.lines += [
            f"  {name} = phi {kind} [ {one}, %{before} ], [ {other}, %{latch} ]"
            for name, kind, one, other in zip(names, types, first, last, strict=True)
        ]
        self._jump(names[0], inside, end)
        self.lines += [f"{inside}:", *lines, f"  br label %{header}"]
        self._begin(end)
        return variables

    def count(
        self, start: int, stop: int, step: int, body: Callable[[Expression], None]
    ) -> None:
        """Refuse a loop over numbers: qubits are constants here."""
        raise EmissionError("a loop over numbers")

    def mark(self) -> Any:
        """Return where the program is, for `undo`."""
        return deepcopy({k: v for k, v in vars(self).items() if k != "dialect"})

    def undo(self, mark: Any) -> None:
        """Take back all that was written since."""
        vars(self).update(deepcopy(mark))

    # The program

    def finish(self, outcomes: Sequence[Expression]) -> str | bytes:
        """Return the program, which records these bits as "r0", "r1" and so on."""
        recorded = [o.code for o in outcomes if o.code not in self.pointers]
        body = without_unread(self.lines, recorded)
        records = self._records(outcomes)
        start = f"  {self.module.call(INITIALIZE, ['ptr null'])}"
        end = [*records, "  ret i64 0"]
        if self.dialect.is_base:
            blocks = (
                ("body", body),
                ("measurements", self.measurements),
                ("output", end),
            )
            each = ([f"  br label %{name}", f"{name}:", *rest] for name, rest in blocks)
            lines = ["entry:", start, *chain.from_iterable(each)]
        else:
            lines = ["entry:", start, *body, "  br label %output", "output:", *end]
        if not any(f"@{READ}(" in each for each in lines):
            self.module.declared.pop(READ, None)
        text = self.module.write(lines)
        module = verified(text)
        return module.as_bitcode() if self.dialect.bitcode else text

    def _records(self, outcomes: Sequence[Expression]) -> Lines:
        found: Lines = []
        self.num_bits = len(outcomes)
        if self.dialect.records_array:
            size = [f"i64 {len(outcomes)}", self.module.label("results")]
            found.append(self.module.call(RECORD_ARRAY, size))
        for place, outcome in enumerate(outcomes):
            label = self.module.label(f"r{place}")
            pointer = self.pointers.get(outcome.code)
            if pointer is not None:
                found.append(self.module.call(RECORD_RESULT, [f"ptr {pointer}", label]))
            else:
                self._bits_decide()
                bit = f"i1 zeroext {outcome.code}"
                found.append(self.module.call(RECORD_BOOL, [bit, label]))
        return [f"  {each}" for each in found]
