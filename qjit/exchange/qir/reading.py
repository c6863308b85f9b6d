"""From a text of QIR to the blocks of its entry point, checked one by one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm

from qjit.dialects.gates import GATES
from qjit.errors import QirError
from qjit.lowering.jax_internals.tracing import user_line

from .arithmetic import BINARY, DTYPES

COMPUTED = frozenset(
    (
        *(*BINARY, "fneg", "icmp", "fcmp", "select"),
        *("zext", "sext", "trunc", "fpext", "fptrunc"),
        *("sitofp", "uitofp", "fptosi", "fptoui"),
    )
)
MEASURING = ("mz", "m", "mresetz")
MOST_CHARACTERS = 10_000_000
DEEPEST = 100
_POINTER = re.compile(r"ptr inttoptr \(i64 (\d+) to ptr\)")
_PREDICATE = re.compile(r"= [if]cmp (?:\w+ )*?([a-z]{2,5}) [ifd]\w+ ")
_ATTRIBUTE = re.compile(r'"([^"]*)"(?:="([^"]*)")?')
_QIS = re.compile(r"__quantum__qis__(\w+?)__(body|adj)")
_RECORDS = re.compile(r"__quantum__rt__(result|bool|int|double|float)_record_output")
_GROUPS = re.compile(r"__quantum__rt__(array|tuple)_record_output")
_READS = ("__quantum__rt__read_result", "__quantum__qis__read_result__body")
_OTHER_NAMES = {"cnot": "CNOT", "rxy": "PRX", "u1q": "PRX", "prx": "PRX", "sx": "SX"}
NAMES: Mapping[str, str] = _OTHER_NAMES | {
    record.qir: name for name, record in GATES.items() if record.qir is not None
}


@dataclass(frozen=True)
class Local:
    """A value that an instruction computes, by number."""

    number: int


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float | int | bool


@dataclass(frozen=True)
class Pointer:
    """A qubit, or a result."""

    number: int


Operand = Local | Number | Pointer


@dataclass(frozen=True)
class Instruction:
    """One instruction: a computation, or what a call of QIR's functions does."""

    opcode: str
    operands: tuple[Operand, ...]
    text: str
    result: int | None = None
    kind: str = "void"
    source: str = "void"
    """The type of the last operand."""
    detail: str = ""
    """The predicate of a comparison, or the name of a gate."""
    adjoint: bool = False


@dataclass(frozen=True)
class Phi:
    """A value that depends on the block that control comes from."""

    result: int
    kind: str
    arms: Mapping[int, Operand]


@dataclass(frozen=True)
class Block:
    """Instructions without control flow, and where it goes after them."""

    phis: tuple[Phi, ...]
    body: tuple[Instruction, ...]
    targets: tuple[int, ...]
    """Of a condition, the block where it holds first."""
    condition: Operand | None = None


@dataclass(frozen=True)
class Program:
    """The entry point of a module."""

    blocks: tuple[Block, ...]
    """The first is where it begins."""
    num_qubits: int


def refused(message: str, text: str = "") -> QirError:
    """Return the error of a text that cannot be read, or of an instruction."""
    where = f", in {' '.join(text.split())!r}" if text else ""
    return QirError(f"{user_line()}: QIR{where}: {message}")


def read(text: str) -> Program:
    """Read a text."""
    _check(text)
    try:
        module = llvm.parse_assembly(text, llvm.create_context())
        module.verify()
    except RuntimeError as error:
        cause = " ".join(str(error).split())
        raise refused(
            f"LLVM does not take the text: {cause}. It takes QIR 2, whose pointers "
            "have the type ptr."
        ) from error
    with module:
        return _Reader(_entry(module)).program()


def _check(text: str) -> None:
    """Refuse what a parser could run out of stack with."""
    if len(text) > MOST_CHARACTERS or "\0" in text or not text.isascii():
        raise refused(f"it is a text of ASCII, of {MOST_CHARACTERS:,} letters at most.")
    depth = 0
    for found in re.finditer(r'"[^"]*"|;[^\n]*|[(\[{<]|[)\]}>]', text):
        depth += found[0] in "([{<"
        depth = max(depth - (found[0] in ")]}>"), 0)
        if depth > DEEPEST:
            raise refused(f"more than {DEEPEST} brackets are open.")


def _attributes(function: Any) -> dict[str, str]:
    """Return the attributes of a function that are texts."""
    found: dict[str, str] = {}
    for each in function.attributes:
        text = each.decode() if isinstance(each, bytes) else str(each)
        for key, value in _ATTRIBUTE.findall(text):
            found[key] = value
    return found


def _entry(module: Any) -> Any:
    entries = [
        function
        for function in module.functions
        if not function.is_declaration and "entry_point" in _attributes(function)
    ]
    if len(entries) != 1:
        raise refused(
            f"it has {len(entries)} entry points. A program has one function with the "
            'attribute "entry_point".'
        )
    if list(entries[0].arguments):
        raise refused("its entry point takes arguments. In QIR it takes none.")
    return entries[0]


class _Reader:
    """Reads one function."""

    def __init__(self, function: Any) -> None:
        attributes = _attributes(function)
        number = attributes.get("required_num_qubits", "")
        if not re.fullmatch(r"\d{1,6}", number):
            raise refused(
                'its entry point has no attribute "required_num_qubits" that is a '
                "number."
            )
        self.num_qubits = int(number)
        self.found = list(function.blocks)
        self.blocks = {block: place for place, block in enumerate(self.found)}
        instructions = (each for block in self.found for each in block.instructions)
        self.locals = {each: place for place, each in enumerate(instructions)}

    def program(self) -> Program:
        """Return the function."""
        return Program(tuple(map(self.block, self.found)), self.num_qubits)

    def block(self, block: Any) -> Block:
        """Return a block."""
        *instructions, last = block.instructions
        phis = [each for each in instructions if each.opcode == "phi"]
        body = [self.instruction(each) for each in instructions[len(phis) :]]
        condition, targets = self.jump(last)
        return Block(
            tuple(map(self.phi, phis)),
            tuple(each for each in body if each is not None),
            targets,
            condition,
        )

    def jump(self, op: Any) -> tuple[Operand | None, tuple[int, ...]]:
        """Return where control goes at the end of a block."""
        operands = list(op.operands)
        if op.opcode == "ret":
            if operands and str(operands[0]) != "i64 0":
                raise refused("a program returns 0 of type i64.", str(op))
            return None, ()
        if op.opcode != "br":
            raise refused(f"{op.opcode} is not supported. Write branches.", str(op))
        if len(operands) == 1:
            return None, (self.blocks[operands[0]],)
        condition, otherwise, then = operands
        targets = self.blocks[then], self.blocks[otherwise]
        return self.operand(condition, op), targets

    def kind(self, value: Any, op: Any) -> str:
        """Return the type of a number."""
        kind = str(value.type)
        if kind not in DTYPES:
            known = ", ".join(DTYPES)
            raise refused(f"the type {kind} is not supported. {known} are.", str(op))
        return kind

    def operand(self, value: Any, op: Any) -> Operand:
        """Return an operand of an instruction."""
        if value.value_kind is llvm.ValueKind.instruction:
            self.kind(value, op)
            return Local(self.locals[value])
        if str(value.type) == "ptr":
            return self.pointer(value, op)
        kind = self.kind(value, op)
        if value.value_kind is llvm.ValueKind.constant_int:
            number = value.get_constant_value(signed_int=False)
            width = int(kind[1:])
            if width == 1:
                return Number(bool(number & 1))
            number &= (1 << width) - 1
            return Number(number - (1 << width) if number >> (width - 1) else number)
        if value.value_kind is llvm.ValueKind.constant_fp:
            return Number(float(value.get_constant_value()))
        raise refused(f"{value} is no number.", str(op))

    def pointer(self, value: Any, op: Any) -> Pointer:
        """Return a qubit or result."""
        if value.value_kind is llvm.ValueKind.constant_pointer_null:
            return Pointer(0)
        found = _POINTER.fullmatch(str(value).strip())
        if found is None or len(found[1]) > 9:
            raise refused("qubits and results are numbers that are constant.", str(op))
        return Pointer(int(found[1]))

    def phi(self, op: Any) -> Phi:
        """Return a phi node."""
        kind = self.kind(op, op)
        pairs = zip(op.incoming_blocks, op.operands, strict=True)
        arms = {self.blocks[block]: self.operand(value, op) for block, value in pairs}
        return Phi(self.locals[op], kind, arms)

    def instruction(self, op: Any) -> Instruction | None:
        """Return an instruction, or None for one that does nothing."""
        text = str(op).strip()
        if op.opcode == "call":
            return self.call(op, text)
        if op.opcode not in COMPUTED:
            raise refused(f"{op.opcode} is not supported.", text)
        operands = list(op.operands)
        predicate = _PREDICATE.search(text) if op.opcode in ("icmp", "fcmp") else None
        return Instruction(
            op.opcode,
            tuple(self.operand(each, op) for each in operands),
            text,
            self.locals[op],
            self.kind(op, op),
            self.kind(operands[-1], op),
            predicate[1] if predicate else "",
        )

    def call(self, op: Any, text: str) -> Instruction | None:
        """Return what a call of a function of QIR does."""
        *arguments, callee = op.operands
        is_known = callee.value_kind is llvm.ValueKind.function
        symbol = callee.name if is_known else ""
        if symbol == "__quantum__rt__initialize" or _GROUPS.fullmatch(symbol):
            return None
        recorded = _RECORDS.fullmatch(symbol)
        if recorded is not None and len(arguments) == 2:
            value = self.operand(arguments[0], op)
            if isinstance(value, Pointer) == (recorded[1] == "result"):
                return Instruction("record", (value,), text)
        operands = tuple(self.operand(each, op) for each in arguments)
        pointers = tuple(each for each in operands if isinstance(each, Pointer))
        reads = symbol in _READS and str(op.type) == "i1"
        if reads and len(operands) == len(pointers) == 1:
            return Instruction("read", operands, text, self.locals[op], "i1", "ptr")
        found = _QIS.fullmatch(symbol)
        if found is None:
            raise refused(f"the function {symbol or 'of a pointer'} is unknown.", text)
        name, adjoint = found[1], found[2] == "adj"
        if name in (*MEASURING, "reset") and not adjoint:
            wanted = 1 if name == "reset" else 2
            if len(operands) == len(pointers) == wanted:
                self.check_qubits(pointers[:1], text)
                return Instruction(name, operands, text)
        elif name == "barrier" and len(operands) == len(pointers):
            self.check_qubits(pointers, text)
            return Instruction(name, operands, text)
        elif name in NAMES:
            return self.gate(op, NAMES[name], adjoint, operands, pointers)
        raise refused(f"the function {symbol} is unknown with these arguments.", text)

    def gate(
        self,
        op: Any,
        name: str,
        adjoint: bool,
        operands: tuple[Operand, ...],
        qubits: tuple[Pointer, ...],
    ) -> Instruction:
        """Return a gate: angles, and then qubits."""
        record = GATES[name]
        shape = len(operands) - len(qubits), len(qubits)
        types = [str(each.type) for each in list(op.operands)[: len(operands)]]
        if (
            shape != (record.num_params, record.num_wires)
            or str(op.type) != "void"
            or types != ["double"] * shape[0] + ["ptr"] * shape[1]
        ):
            raise refused(
                f"{name} takes {record.num_params} angles of type double and then "
                f"{record.num_wires} qubits.",
                str(op),
            )
        self.check_qubits(qubits, str(op))
        return Instruction(
            "gate", operands, str(op).strip(), None, detail=name, adjoint=adjoint
        )

    def check_qubits(self, qubits: tuple[Pointer, ...], text: str) -> None:
        """Refuse qubits that the program does not have, or has twice."""
        for each in qubits:
            if each.number >= self.num_qubits:
                raise refused(
                    f"qubit {each.number} is none of the {self.num_qubits} that "
                    '"required_num_qubits" states.',
                    text,
                )
        if len(set(qubits)) != len(qubits):
            raise refused("a gate acts on different qubits.", text)
