"""Modules of QIR: an entry point, what it declares, and the flags of what it uses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import llvmlite.binding as llvm

from .emitter import EmissionError

Lines = list[str]

INITIALIZE = "__quantum__rt__initialize"
READ = "__quantum__rt__read_result"
RECORD_ARRAY = "__quantum__rt__array_record_output"
RECORD_RESULT = "__quantum__rt__result_record_output"
RECORD_BOOL = "__quantum__rt__bool_record_output"
RUNTIME: Mapping[str, str] = {
    INITIALIZE: "void (ptr)",
    READ: "i1 (ptr readonly)",
    RECORD_ARRAY: "void (i64, ptr)",
    RECORD_RESULT: "void (ptr, ptr)",
    RECORD_BOOL: "void (i1 zeroext, ptr)",  # as C takes it: its other bits are 0
}
CONDITIONAL_LOOPS = 2


@dataclass
class QirModule:
    """What a module has beside the instructions of its entry point."""

    profile: str
    entry: str = "main"
    version: tuple[int, int] = (2, 1)
    num_qubits: int = 0
    num_results: int = 0
    declared: dict[str, str] = field(default_factory=dict[str, str])
    """The functions that are called, by name: their types, as in "void (ptr)"."""
    irreversible: set[str] = field(default_factory=set[str])
    labels: Lines = field(default_factory=list[str])
    integers: set[str] = field(default_factory=set[str])
    """The types of integers that are computed with, bits excepted."""
    floats: set[str] = field(default_factory=set[str])
    has_loops: bool = False

    def call(self, symbol: str, arguments: Sequence[str], kind: str = "") -> str:
        """Return the call of a function, which is declared of what it takes."""
        types = ", ".join(_type_of_argument(each) for each in arguments)
        kind = kind or RUNTIME.get(symbol) or f"void ({types})"
        if self.declared.setdefault(symbol, kind) != kind:
            raise EmissionError(f"one function {symbol} for gates of different shapes")
        return f"call {kind.split()[0]} @{symbol}({', '.join(arguments)})"

    def label(self, name: str) -> str:
        """Return a pointer to a label of results."""
        self.labels.append(name)
        return f"ptr @{name}"

    def write(self, lines: Sequence[str]) -> str:
        """Return the module whose entry point has these lines."""
        constants = [
            f'@{each} = internal constant [{len(each) + 1} x i8] c"{each}\\00"'
            for each in self.labels
        ]
        parts = [
            constants,
            [f"define i64 @{self.entry}() #0 {{", *lines, "}"],
            list(map(self._declaration, self.declared)),
            self._attributes(),
            self._flags(),
        ]
        return "\n\n".join("\n".join(part) for part in parts if part) + "\n"

    def _declaration(self, symbol: str) -> str:
        kind, _, arguments = self.declared[symbol].partition(" ")
        end = " #1" if symbol in self.irreversible else ""
        return f"declare {kind} @{symbol}{arguments}{end}"

    def _attributes(self) -> Lines:
        stated = {
            "qir_profiles": f"{self.profile}_profile",
            "output_labeling_schema": "labeled",
            "required_num_qubits": self.num_qubits,
            "required_num_results": self.num_results,
        }
        entry = " ".join(f'"{key}"="{value}"' for key, value in stated.items())
        found = [f'attributes #0 = {{ "entry_point" {entry} }}']
        if self.irreversible:
            found.append('attributes #1 = { "irreversible" }')
        return found

    def _flags(self) -> Lines:
        major, minor = self.version
        flags = [
            f'i32 1, !"qir_major_version", i32 {major}',
            f'i32 7, !"qir_minor_version", i32 {minor}',
            'i32 1, !"dynamic_qubit_management", i1 false',
            'i32 1, !"dynamic_result_management", i1 false',
        ]
        if self.has_loops:
            flags.append(f'i32 1, !"backwards_branching", i2 {CONDITIONAL_LOOPS}')
        computed = {
            "int_computations": sorted(self.integers, key=lambda each: int(each[1:])),
            "float_computations": sorted(self.floats, reverse=True),
        }
        used = {name: types for name, types in computed.items() if types}
        nodes = len(flags) + len(used)
        flags += [
            f'i32 5, !"{name}", !{nodes + place}' for place, name in enumerate(used)
        ]
        flags += [", ".join(f'!"{each}"' for each in types) for types in used.values()]
        numbers = ", ".join(f"!{number}" for number in range(nodes))
        return [
            f"!llvm.module.flags = !{{{numbers}}}",
            *(f"!{number} = !{{{flag}}}" for number, flag in enumerate(flags)),
        ]


def _type_of_argument(argument: str) -> str:
    """Return the type of an argument, with what is promised of a pointer.

    >>> _type_of_argument("ptr writeonly null"), _type_of_argument("double 0.5")
    ('ptr writeonly', 'double')
    """
    words = argument.split()
    return " ".join(words[:2] if words[1] in ("writeonly", "readonly") else words[:1])


def verified(text: str) -> llvm.ModuleRef:
    """Return a text as a module of LLVM, which has checked it."""
    try:
        module = llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise EmissionError(f"a program of this shape in LLVM ({error})") from error
    return module


def qubit_or_result(number: int) -> str:
    """Return a qubit or a result.

    >>> qubit_or_result(0), qubit_or_result(3)
    ('null', 'inttoptr (i64 3 to ptr)')
    """
    return f"inttoptr (i64 {number} to ptr)" if number else "null"


def without_unread(lines: Sequence[str], wanted: Sequence[str]) -> Lines:
    """Leave out the reading of results that decide nothing."""
    used = set(wanted)
    for line in lines:
        used.update(re.findall(r"%m\d+", line.partition(" = ")[2] or line))
    return [
        line for line in lines if f"@{READ}(" not in line or line.split()[0] in used
    ]
