"""OpenQASM 3 and 2 (A. Cross et al., arXiv:2104.14722 and arXiv:1707.03429)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects import math as math_dialect
from xdsl.dialects.builtin import AnyFloat, IndexType, IntegerType, f64, i1
from xdsl.ir import Attribute, Operation

from qjit.dialects.gates import GATES
from qjit.dialects.gates.spelling import spelled
from qjit.dialects.targets.openqasm import QasmDialect, standard_names

from .block_emitter import BlockEmitter
from .emitter import AppliedGate, EmissionError, Wire
from .openqasm_identifiers import declared_of, identifier, without_unread
from .values import Expression, is_known

Lines = list[str]

OPERATORS: Mapping[type[Operation], str] = {
    arith.AddiOp: "+",
    arith.SubiOp: "-",
    arith.MuliOp: "*",
    arith.DivSIOp: "/",
    arith.RemSIOp: "%",
    arith.ShLIOp: "<<",
    arith.AddfOp: "+",
    arith.SubfOp: "-",
    arith.MulfOp: "*",
    arith.DivfOp: "/",
}
# Of one bit, and of several.
LOGIC: Mapping[type[Operation], tuple[str, str]] = {
    arith.AndIOp: ("&&", "&"),
    arith.OrIOp: ("||", "|"),
    arith.XOrIOp: ("!=", "^"),
}
FUNCTIONS: Mapping[type[Operation], str] = {
    math_dialect.SinOp: "sin",
    math_dialect.CosOp: "cos",
    math_dialect.TanOp: "tan",
    math_dialect.AsinOp: "arcsin",
    math_dialect.AcosOp: "arccos",
    math_dialect.AtanOp: "arctan",
    math_dialect.ExpOp: "exp",
    math_dialect.LogOp: "log",
    math_dialect.SqrtOp: "sqrt",
    math_dialect.PowFOp: "pow",
}
# Expressions of more characters are variables: each may be read several times.
LONGEST = 200
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
# Of floats, by the place of an ordered predicate among them.
ORDERED = {1: "==", 2: ">", 3: ">=", 4: "<", 5: "<=", 13: "!="}


@dataclass
class QasmEmitter(BlockEmitter[str]):
    """A circuit in OpenQASM, as it is written."""

    dialect: QasmDialect
    declared: Lines = field(default_factory=list[str])
    inputs: Lines = field(default_factory=list[str])
    num_bits: int = 0
    """Bits of the register of results, once the program is finished."""
    subroutines: dict[str, tuple[Lines, Lines]] = field(
        default_factory=dict[str, tuple[Lines, Lines]]
    )
    """By their names: what numbers they take, and their statements."""
    num_outcomes: int = 0
    num_variables: int = 0
    num_wires: int = 0

    @property
    def has_branches(self) -> bool:
        """Whether outcomes may decide what is applied."""
        return self.dialect.has_branches

    @property
    def has_loops(self) -> bool:
        """Whether outcomes may decide how often something is applied."""
        return self.dialect.has_loops

    @property
    def has_counters(self) -> bool:
        """Whether there are loops over numbers."""
        return self.dialect.has_counters

    @property
    def has_subroutines(self) -> bool:
        """Whether there is `def`."""
        return self.dialect.has_subroutines

    def parameter(self, name: str) -> Expression:
        """Declare a number that is given when the program runs."""
        if self.dialect.version < 3:
            raise EmissionError("a parameter, which OpenQASM 2 does not have")
        name = identifier(name, self.dialect, self.inputs)
        self.inputs.append(name)
        return Expression(name, f64)

    def constant(self, bit: bool) -> Expression:
        """Return a bit that is always the same."""
        return Expression(self._number(bit), i1)

    # Gates

    def allocate(self, num_qubits: int) -> None:
        """Take more qubits."""
        self.num_wires += num_qubits

    def gate(self, gate: AppliedGate) -> None:
        """Write a gate."""
        own = GATES[gate.name].num_controls or 0
        if gate.name == "I" or (gate.name == "GlobalPhase" and not gate.controls):
            self._global_phase(gate)
            return
        prefix, name = self._name(gate, own)
        params = [self._number(param) for param in gate.params]
        if "{" in name:
            call = name.format(*params)
        else:
            call = f"{name}({', '.join(params)})" if params else name
        wires = ", ".join(map(self.wire, (*gate.controls, *gate.targets)))
        self.statements.append(f"{prefix}{call} {wires};")

    def _global_phase(self, gate: AppliedGate) -> None:
        names = self.dialect.names
        if gate.name == "GlobalPhase" and self.dialect.version >= 3 and names is None:
            angle = gate.params[0]
            sign = "" if gate.adjoint else "-"
            self.statements.append(f"gphase({sign}{self._factor(angle)});")

    def _name(self, gate: AppliedGate, own: int) -> tuple[str, str]:
        """Return the modifiers and the name of a gate."""
        names = standard_names() if self.dialect.names is None else self.dialect.names
        extra = len(gate.controls) - own
        pattern = gate.pattern or (1,) * len(gate.controls)
        plain = extra == 0 and all(pattern)
        record = GATES[gate.name]
        adjoint = gate.adjoint and not record.self_adjoint
        found = names.get(spelled(gate.name, adjoint))
        if plain and found is not None:
            return "", found
        bare = names.get(gate.name)
        if bare is None or not self.dialect.has_modifiers or not all(pattern[extra:]):
            raise EmissionError(f"the gate {spelled(gate.name, adjoint)}")
        prefix = "".join("ctrl @ " if bit else "negctrl @ " for bit in pattern[:extra])
        return prefix + ("inv @ " if adjoint else ""), bare

    def wire(self, wire: Wire) -> str:
        """Return a qubit."""
        if isinstance(wire, Expression):
            if self.dialect.physical:
                raise EmissionError("a wire that the device computes")
            return f"q[{wire.code}]"
        return f"${wire}" if self.dialect.physical else f"q[{wire}]"

    def measure(self, wire: Wire) -> Expression:
        """Write a measurement, and return its outcome."""
        bit = f"\x00{self.num_outcomes}\x00"
        self.num_outcomes += 1
        if self.dialect.version < 3:
            self.statements.append(f"measure {self.wire(wire)} -> {bit};")
        else:
            self.statements.append(f"{bit} = measure {self.wire(wire)};")
        return Expression(bit, i1)

    def reset(self, wire: Wire) -> None:
        """Write a reset to |0>."""
        self.statements.append(f"reset {self.wire(wire)};")

    def barrier(self, wires: Sequence[Wire]) -> None:
        """Write a barrier."""
        self.statements.append(f"barrier {', '.join(map(self.wire, wires))};")

    def delay(self, seconds: float, wires: Sequence[Wire]) -> None:
        """Write a delay."""
        if self.dialect.version < 3:
            raise EmissionError("a delay, which OpenQASM 2 does not have")
        each = ", ".join(map(self.wire, wires))
        self.statements.append(f"delay[{seconds * 1e9!r}ns] {each};")

    # Numbers

    def operation(self, op: Operation, operands: Sequence[Any]) -> Expression:
        """Return a classical operation of numbers and expressions."""
        if not self.dialect.has_numbers:
            raise EmissionError("a number that outcomes decide", op)
        kind = op.results[0].type
        code = self._code(op, operands, kind)
        if code is None:
            raise EmissionError(f"'{op.name}' of what outcomes decide", op)
        found = Expression(code, kind)
        if len(code) <= LONGEST:
            return found
        variable = self.variable(kind)
        self.assign(variable, found)
        return variable

    def _code(
        self, op: Operation, operands: Sequence[Any], kind: Attribute
    ) -> str | None:
        given = [self._factor(value) for value in operands]
        match op:
            case _ if type(op) in OPERATORS:
                return f"({given[0]} {OPERATORS[type(op)]} {given[1]})"
            case _ if type(op) in LOGIC:
                symbol = LOGIC[type(op)][kind != i1]
                return f"({given[0]} {symbol} {given[1]})"
            case _ if type(op) in FUNCTIONS:
                return f"{FUNCTIONS[type(op)]}({', '.join(given)})"
            case arith.NegfOp():
                return f"(-{given[0]})"
            case arith.CmpiOp() if op.predicate.value.data < len(COMPARISONS):
                return f"({given[0]} {COMPARISONS[op.predicate.value.data]} {given[1]})"
            case arith.CmpfOp() if op.predicate.value.data in ORDERED:
                return f"({given[0]} {ORDERED[op.predicate.value.data]} {given[1]})"
            case arith.SelectOp():
                _, one, zero = operands
                return self.selected(Expression(given[0], i1), one, zero, kind).code
            case arith.ExtFOp() | arith.TruncFOp():
                return given[0]
            case arith.ExtUIOp() if op.operands[0].type == i1:
                return self._cast(given[0], kind)
            case arith.ExtSIOp() | arith.IndexCastOp() | arith.SIToFPOp() if (
                op.operands[0].type != i1
            ):
                return self._cast(given[0], kind)
            case _:
                return None

    @staticmethod
    def _cast(code: str, kind: Attribute) -> str:
        return f"{_type(kind)}({code})"

    def variable(self, kind: Attribute) -> Expression:
        """Declare a variable."""
        if not self.dialect.has_numbers:
            raise EmissionError("a number that outcomes decide")
        name = f"v{self.num_variables}"
        self.num_variables += 1
        self.declared.append(f"{_type(kind)} {name};")
        return Expression(name, kind)

    def assign(self, variable: Expression, value: Any) -> None:
        """Write an assignment."""
        if variable.kind == i1 and is_known(value):
            value = bool(value)
        self.statements.append(f"{variable.code} = {self._number(value)};")

    def negated(self, condition: Expression) -> Expression:
        """Return a condition that holds where another does not."""
        if self.dialect.has_numbers:
            return Expression(f"!{condition.code}", i1)
        # NOTE: Braket's simulator has no `!` of bits, and Qiskit reads both.
        return Expression(f"{condition.code} == false", i1)

    def _number(self, value: Any) -> str:
        if isinstance(value, Expression):
            return str(value.code)
        if isinstance(value, bool):
            return str(value).lower()
        return repr(int(value)) if isinstance(value, int) else _float(float(value))

    def _factor(self, value: Any) -> str:
        text = self._number(value)
        return f"({text})" if text.startswith("-") else text

    # Control flow

    def write_if(self, condition: Expression, then: Lines, otherwise: Lines) -> None:
        """Write a branch."""
        if self.dialect.version < 3:
            raise EmissionError("a branch, of which OpenQASM 2 has few")
        self.statements += [f"if ({condition.code}) {{", *_indented(then)]
        if otherwise:
            self.statements += ["} else {", *_indented(otherwise)]
        self.statements.append("}")

    def write_while(self, condition: Expression, body: Lines) -> None:
        """Write a loop."""
        self.statements += [f"while ({condition.code}) {{", *_indented(body), "}"]

    def count(
        self, start: int, stop: int, step: int, body: Callable[[Expression], None]
    ) -> None:
        """Write a for loop."""
        name = f"i{self.num_variables}"
        self.num_variables += 1
        lines = self.block(lambda: body(Expression(name, IndexType())))
        last = range(start, stop, step)[-1]
        span = f"{start}:{last}" if step == 1 else f"{start}:{step}:{last}"
        self.statements += [f"for int {name} in [{span}] {{", *_indented(lines), "}"]

    def define(
        self, kinds: Sequence[Attribute], body: Callable[[Sequence[Expression]], None]
    ) -> str:
        """Write a subroutine of numbers and all qubits, and return its name."""
        outside, outcomes = self.declared, self.num_outcomes
        self.declared = []
        try:
            given = [self.variable(kind) for kind in kinds]
            taken, self.declared = self.declared, []
            lines = without_unread(self.block(lambda: body(given)))
            lines = [*declared_of(self.declared, lines), *lines]
        finally:
            self.declared = outside
        if self.num_outcomes != outcomes:
            raise EmissionError("a measurement in a subroutine")
        name = identifier(
            f"subroutine{len(self.subroutines)}", self.dialect, self.inputs
        )
        self.subroutines[name] = [each.rstrip(";") for each in taken], lines
        return name

    def call(self, name: str, arguments: Sequence[Any]) -> None:
        """Write the call of a subroutine."""
        given = ", ".join(["q", *map(self._number, arguments)])
        self.statements.append(f"{name}({given});")

    def _definitions(self, lines: Lines) -> Lines:
        """Return the subroutines that are called."""
        found: Lines = []
        for name, (taken, body) in reversed(self.subroutines.items()):
            if any(line.strip().startswith(f"{name}(") for line in (*found, *lines)):
                given = ", ".join([f"qubit[{self.num_wires}] q", *taken])
                found = [f"def {name}({given}) {{", *_indented(body), "}", *found]
        return found

    def mark(self) -> Any:
        """Return where the program is, for `undo`."""
        counts = self.num_outcomes, self.num_variables
        return len(self.statements), len(self.declared), counts

    def undo(self, mark: Any) -> None:
        """Take back all that was written since."""
        lines, declared, counts = mark
        del self.statements[lines:], self.declared[declared:]
        self.num_outcomes, self.num_variables = counts

    def finish(self, outcomes: Sequence[Expression]) -> str:
        """Return the program, whose results are the register `c` of these bits."""
        names: dict[str, str] = {}
        end: Lines = []
        for place, outcome in enumerate(outcomes):
            code, bit = outcome.code, f"c[{place}]"
            if code.startswith("\x00") and code not in names:
                names[code] = bit
            else:
                end.append(f"{bit} = {code};")
        if end and not self.dialect.has_numbers:
            raise EmissionError("a result that is no measured bit, or twice the same")
        rest = [f"\x00{n}\x00" for n in range(self.num_outcomes)]
        others = [code for code in rest if code not in names]
        self.num_bits = len(outcomes)
        register, first = "m", 0
        if self.dialect.one_register:
            register, first = "c", len(outcomes)
            self.num_bits += len(others)
        names |= {
            code: f"{register}[{first + place}]" for place, code in enumerate(others)
        }
        count = len(outcomes) + len(others)
        head = self._head(self.num_bits, count - self.num_bits)
        body = without_unread([*self.statements, *end])
        declared = declared_of(self.declared, body)
        text = "\n".join([*head, *self._definitions(body), *declared, *body, ""])
        for code, name in names.items():
            text = text.replace(code, name)
        return text

    def _head(self, num_results: int, num_others: int) -> Lines:
        version = self.dialect.version
        found = [f"OPENQASM {version}.0;"]
        found += [f'include "{name}";' for name in self.dialect.includes]
        found += [f"input float[64] {name};" for name in self.inputs]
        registers = {"c": num_results, "m": num_others}
        if not self.dialect.physical:
            size = max(self.num_wires, 1)
            found.append(f"qubit[{size}] q;" if version >= 3 else f"qreg q[{size}];")
        for name, size in registers.items():
            if size:
                found.append(
                    f"bit[{size}] {name};" if version >= 3 else f"creg {name}[{size}];"
                )
        return found


def _indented(lines: Sequence[str]) -> Lines:
    return [f"  {line}" for line in lines]


def _type(kind: Attribute) -> str:
    if kind == i1:
        return "bool"
    if isinstance(kind, IntegerType):
        return f"int[{kind.width.data}]"
    if isinstance(kind, AnyFloat):
        return f"float[{kind.bitwidth}]"
    return "int"


def _float(number: float) -> str:
    """Return a number as all languages read it.

    >>> _float(1e-05), _float(2.0)
    ('1e-05', '2.0')
    """
    if not math.isfinite(number):
        raise EmissionError(f"the angle {number}")
    return repr(number)
