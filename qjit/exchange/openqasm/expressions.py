"""Expressions of OpenQASM: from nodes to values and qubits."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from qjit.errors import WireError
from qjit.tracing.checks import checked

from .arithmetic import CONSTANTS, COUNTS, POWER, as_number, binary, call, unary
from .classical_types import (
    BIT,
    BOOL,
    COMPLEX,
    DURATION,
    FLOAT,
    ConversionError,
    Type,
    Value,
    convert,
    default,
    integer_literal,
    traced,
)
from .positions import Located, NotConstantError, Source
from .scopes import Definition, Frame, Qubits, Variable, kind_of

_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
MOST_ELEMENTS = 1_000_000


class Expressions(Located):
    """What evaluates expressions in the scopes of a program."""

    def __init__(self, source: Source, legacy: bool) -> None:
        self.source = source
        self.legacy = legacy
        self.frames = [Frame()]
        self.num_physical = 0
        self._rules: dict[str, Callable[[Any], Value]] = {
            "Identifier": self._name,
            "IntegerLiteral": lambda node: integer_literal(node.value),
            "FloatLiteral": lambda node: Value(FLOAT, float(node.value)),
            "ImaginaryLiteral": lambda node: Value(COMPLEX, complex(0, node.value)),
            "BooleanLiteral": lambda node: Value(BOOL, node.value),
            "BitstringLiteral": self._bitstring,
            "DurationLiteral": self._duration,
            "FunctionCall": self._call,
            "Cast": self._cast,
            "IndexExpression": self._indexed,
            "Concatenation": self._concatenated,
            "UnaryExpression": self._unary,
            "BinaryExpression": self._binary,
            "SizeOf": self._size_of,
            "QuantumMeasurement": lambda node: self.measured(node.qubit),
        }

    @property
    def frame(self) -> Frame:
        """The scopes of the innermost call."""
        return self.frames[-1]

    @abstractmethod
    def call_subroutine(self, definition: Definition, node: Any) -> Value | None:
        """Run a subroutine of the program, and return what it returns."""

    @abstractmethod
    def measured(self, node: Any) -> Value:
        """Measure a qubit or a register of qubits."""

    def value(self, node: Any) -> Value:
        """Return the value of an expression."""
        rule = self._rules.get(kind_of(node))
        if rule is None:
            self.fail(node, f"{kind_of(node)} is not supported here.")
        try:
            return rule(node)
        except ConversionError as error:
            self.fail(node, f"{error}.")

    def converted(self, node: Any, to: Type) -> Value:
        """Return the value of an expression as one of a type."""
        if kind_of(node) == "ArrayLiteral":
            return self._array(node, to)
        return self.as_type(node, self.value(node), to)

    def as_type(self, node: Any, value: Value, to: Type) -> Value:
        """Return a value as one of another type, or refuse the node."""
        try:
            return convert(value, to)
        except ConversionError as error:
            self.fail(node, f"{error}.")

    def constant_integer(self, node: Any, what: str) -> int:
        """Return an integer that is known when tracing."""
        value = self.value(node)
        try:
            value = as_number(value)
        except ConversionError as error:
            self.fail(node, f"{error}.")
        if value.type.kind not in ("int", "uint"):
            self.fail(node, f"{what} is an integer, but got {value.type}.")
        if not value.known:
            self.fail(
                node,
                f"{what} must be known when the program is traced, and not depend on "
                "inputs, measured values or the counter of a loop that they bound.",
                NotConstantError,
            )
        return value.data

    # Names

    def look_up(self, node: Any, name: str) -> Any:
        """Return what a name stands for, or None."""
        found = self.frame.find(name)
        if found is not None or self.frame is self.frames[0]:
            return found
        found = self.frames[0].find(name)
        if isinstance(found, Variable) and not found.constant:
            self.fail(
                node,
                f"{name} is no constant, which gates and subroutines cannot see. "
                "Pass it as an argument.",
            )
        if isinstance(found, Qubits):
            self.fail(
                node,
                f"gates and subroutines do not see the qubits {name}. Pass them as "
                "an argument.",
            )
        return found

    def symbol(self, node: Any, name: str) -> Any:
        """Return what a name stands for, or refuse it."""
        found = self.look_up(node, name)
        if found is None:
            self.fail(node, f"{name} is not defined.")
        return found

    def _name(self, node: Any) -> Value:
        found = self.look_up(node, node.name)
        if isinstance(found, Variable):
            if found.data is None:
                self.fail(node, f"{node.name} is no constant.")
            return found.value
        if found is None and node.name in CONSTANTS:
            return CONSTANTS[node.name]
        if found is None:
            self.fail(node, f"{node.name} is not defined.")
        self.fail(node, f"{node.name} is no classical value.")

    # Literals and operators

    def _bitstring(self, node: Any) -> Value:
        bits = [bool(node.value >> k & 1) for k in range(node.width)]
        return Value(Type("bit", node.width), np.array(bits, bool))

    def _duration(self, node: Any) -> Value:
        unit = node.unit.name
        if unit not in _SECONDS:
            self.fail(node, "dt is a time of some hardware. Use ns, us, ms or s.")
        return Value(DURATION, node.value * _SECONDS[unit])

    def _array(self, node: Any, to: Type) -> Value:
        if not to.shape or len(node.values) != to.shape[0]:
            self.fail(node, f"a list of {len(node.values)} is no {to}.")
        inner = Type(to.kind, to.size, to.shape[1:])
        values = [self.converted(each, inner) for each in node.values]
        if all(value.known for value in values):
            found = default(to)
            for k, value in enumerate(values):
                found[k] = value.data
            return Value(to, found)
        return Value(to, jnp.stack([traced(value) for value in values]))

    def _unary(self, node: Any) -> Value:
        return unary(node.op.name, self.value(node.expression))

    def _binary(self, node: Any) -> Value:
        symbol = node.op.name
        left = self.value(node.lhs)
        if symbol in ("&&", "||") and left.known:
            first = convert(left, BOOL)
            if first.data == (symbol == "||"):
                return first
        right = self.value(node.rhs)
        exact = self.legacy or self.frame.in_exponent
        if exact and symbol in ("/", "**"):
            left, right = convert(left, FLOAT), convert(right, FLOAT)
        return binary(symbol, left, right)

    def _cast(self, node: Any) -> Value:
        return convert(self.value(node.argument), self.type_of(node.type), True)

    def _call(self, node: Any) -> Value:
        name = node.name.name
        found = self.look_up(node, name)
        if isinstance(found, Definition) and kind_of(found.node).startswith("Sub"):
            returned = self.call_subroutine(found, node)
            if returned is None:
                self.fail(node, f"{name} returns nothing.")
            return returned
        missing = name not in COUNTS or (name == "ln" and not self.legacy)
        if missing or found is not None:
            shown = name.replace(POWER, "pow")
            self.fail(node, f"the function {shown} is not defined.")
        return call(name, [self.value(each) for each in node.arguments])

    def _size_of(self, node: Any) -> Value:
        shape = self.value(node.target).type.shape
        place = self.constant_integer(node.index, "a dimension") if node.index else 0
        if not 0 <= place < len(shape):
            self.fail(node, f"there is no dimension {place}.")
        return Value(Type("uint"), shape[place])

    def _concatenated(self, node: Any) -> Value:
        parts = [self.value(each) for each in (node.lhs, node.rhs)]
        if any(part.type.kind != "bit" or part.type.shape for part in parts):
            self.fail(node, "++ joins registers of bits.")
        size = sum(part.type.size or 1 for part in parts)
        data = [jnp.atleast_1d(part.data) for part in parts]
        if all(part.known for part in parts):
            data = [np.atleast_1d(part.data) for part in parts]
            return Value(Type("bit", size), np.concatenate(data))
        return Value(Type("bit", size), jnp.concatenate(data))

    # Types

    def type_of(self, node: Any) -> Type:
        """Return the type that a node stands for."""
        kind = kind_of(node).removesuffix("Type").lower()
        if kind == "array":
            element = self.type_of(node.base_type)
            return Type(element.kind, element.size, self._shape(node))
        if kind == "complex":
            return COMPLEX
        if kind not in ("bit", "bool", "int", "uint", "float", "angle", "duration"):
            self.fail(node, f"values of type {kind} are not supported.")
        size = getattr(node, "size", None)
        if size is None:
            return Type(kind)
        bits = self.constant_integer(size, "the size of a type")
        most = {"bit": MOST_ELEMENTS, "angle": 52}.get(kind, 64)
        if not 0 < bits <= most or (kind == "float" and bits not in (16, 32, 64)):
            self.fail(size, f"there is no {kind}[{bits}] here.")
        return Type(kind, bits)

    def _shape(self, node: Any) -> tuple[int, ...]:
        sizes = [self.constant_integer(each, "a size") for each in node.dimensions]
        total = 1
        for size in sizes:
            total *= size
            if size < 1 or total > MOST_ELEMENTS:
                self.fail(node, f"an array has 1 to {MOST_ELEMENTS} elements.")
        return tuple(sizes)

    # Indices

    def position(self, node: Any, length: int) -> Any:
        """Return an index, counted from the end where it is negative."""
        value = as_number(self.value(node))
        if value.type.kind not in ("int", "uint"):
            self.fail(node, f"an index is an integer, but got {value.type}.")
        if value.known:
            if not -length <= value.data < length:
                self.fail(node, f"{value.data} is no index of {length} elements.")
            return value.data % length
        inside = value.data < length
        if value.type.kind == "int":
            inside = inside & (value.data >= -length)
        index = value.data.astype(jnp.int32)
        index = jnp.where(index < 0, index + length, index)
        message = f"an OpenQASM program takes an element out of the {length} there are."
        return checked(index, inside, WireError, message)

    def positions(self, element: Any, length: int) -> list[int] | None:
        """Return the indices of a range or a set, or None for one index."""
        if kind_of(element) == "DiscreteSet":
            found = [self.position(each, length) for each in element.values]
            if any(not isinstance(each, int) for each in found):
                self.fail(element, "these must be known.", NotConstantError)
            return found
        if kind_of(element) != "RangeDefinition":
            return None
        step = 1
        if element.step is not None:
            step = self.constant_integer(element.step, "the step of a slice")
        if step == 0:
            self.fail(element, "the step of a range is not zero.")
        ends = [0, length - 1] if step > 0 else [length - 1, 0]
        for k, end in enumerate((element.start, element.end)):
            if end is not None:
                ends[k] = self.constant_integer(end, "the end of a slice")
                if not -length <= ends[k] < length:
                    self.fail(end, f"{ends[k]} is no index of {length} elements.")
                ends[k] %= length
        found = list(range(ends[0], ends[1] + (1 if step > 0 else -1), step))
        if not found:
            self.fail(element, "this range has no elements.")
        return found

    def elements(self, index: Any) -> list[Any]:
        """Return the indices between the brackets of one index operator."""
        return [index] if kind_of(index) == "DiscreteSet" else list(index)

    def _indexed(self, node: Any) -> Value:
        value = self.value(node.collection)
        for element in self.elements(node.index):
            value = self.element(node, value, element)
        return value

    def element(self, node: Any, value: Value, element: Any) -> Value:
        """Return an element of an array or register, or several of them."""
        type_ = value.type
        if not type_.shape and type_.kind in ("int", "uint"):
            value = convert(value, Type("bit", type_.width), explicit=True)
            type_ = value.type
        if not type_.data_shape:
            self.fail(node, f"{type_} has no elements.")
        length = type_.data_shape[0]
        several = self.positions(element, length)
        if several is None:
            index = self.position(element, length)
            known = isinstance(index, int)
            data = value.data if known else traced(value)
            found = data[index]
            if known and value.known and type_.is_register:
                found = bool(found)
            elif known and value.known and len(type_.data_shape) == 1:
                found = found if type_.kind in ("int", "uint") else found.item()
            return Value(self.inner(type_), found)
        return Value(self.part(type_, len(several)), value.data[np.array(several)])

    def inner(self, type_: Type) -> Type:
        """Return the type of an element."""
        if type_.shape:
            return Type(type_.kind, type_.size, type_.shape[1:])
        return BIT

    def part(self, type_: Type, count: int) -> Type:
        """Return the type of so many elements."""
        if type_.shape:
            return Type(type_.kind, type_.size, (count, *type_.shape[1:]))
        return Type("bit", count)

    # Qubits

    def qubits(self, node: Any) -> Qubits:
        """Return the qubits that an operand names."""
        kind = kind_of(node)
        if kind == "Identifier":
            return self._named_qubits(node)
        if kind == "Concatenation":
            parts = [self.qubits(each) for each in (node.lhs, node.rhs)]
            return Qubits((*parts[0].wires, *parts[1].wires))
        if kind == "IndexedIdentifier":
            found, indices = self._named_qubits(node.name), node.indices
        elif kind == "IndexExpression":
            found, indices = self.qubits(node.collection), [node.index]
        else:
            self.fail(node, "qubits were expected here.")
        for index in indices:
            for element in self.elements(index):
                found = self._some_qubits(node, found, element)
        return found

    def _named_qubits(self, node: Any) -> Qubits:
        name = node.name
        if name.startswith("$"):
            digits = name[1:]
            if not digits.isdecimal() or len(digits) > 4:
                self.fail(node, f"{name} is no qubit.")
            self.num_physical = max(self.num_physical, int(digits) + 1)
            return Qubits((int(digits),), True, True)
        found = self.symbol(node, name)
        if not isinstance(found, Qubits):
            self.fail(node, f"{name} is no qubit.")
        return found

    def _some_qubits(self, node: Any, found: Qubits, element: Any) -> Qubits:
        if found.single:
            self.fail(node, "a single qubit has no index.")
        several = self.positions(element, len(found.wires))
        if several is not None:
            return Qubits(tuple(found.wires[k] for k in several))
        try:
            return found.one(self.position(element, len(found.wires)))
        except ConversionError as error:
            self.fail(element, f"{error}.")
