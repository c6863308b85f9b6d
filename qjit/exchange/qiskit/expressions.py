"""Classical values of a Qiskit circuit, and its expressions of them.

They have the types and the meaning of OpenQASM 3, whose arithmetic is taken.
"""

import operator
from dataclasses import dataclass, field
from functools import reduce
from typing import Any
from uuid import UUID

import jax.numpy as jnp
import numpy as np

from qjit.errors import ParameterError
from qjit.exchange.openqasm.arithmetic import binary, unary
from qjit.exchange.openqasm.classical_types import (
    BOOL,
    FLOAT,
    MOST_BITS,
    ConversionError,
    Type,
    Value,
    convert,
    dtype,
    is_known,
    traced,
)
from qjit.tracing.checks import checked

from .positions import Located, NotKnownError, kind_of

_OPERATORS = {
    **dict(BIT_AND="&", BIT_OR="|", BIT_XOR="^", LOGIC_AND="&&", LOGIC_OR="||"),
    **dict(EQUAL="==", NOT_EQUAL="!=", LESS="<", LESS_EQUAL="<="),
    **dict(GREATER=">", GREATER_EQUAL=">=", SHIFT_LEFT="<<", SHIFT_RIGHT=">>"),
    **dict(ADD="+", SUB="-", MUL="*", DIV="/"),
    **dict(BIT_NOT="~", LOGIC_NOT="!", NEGATE="-"),
}
BY_ZERO = "a Qiskit circuit divides an integer by zero."
# A bit of the whole circuit by its number, or a variable.
Place = Any


@dataclass(frozen=True)
class Frame:
    """What the qubits and bits of a circuit are in the whole circuit."""

    wires: dict[Any, Any] = field(default_factory=dict[Any, Any])
    bits: dict[Any, int] = field(default_factory=dict[Any, int])


class Expressions(Located):
    """What evaluates expressions, and holds the values of bits and variables."""

    def __init__(self) -> None:
        super().__init__()
        self.frame = Frame()
        self.memory: dict[Place, Value] = {}

    # Places

    def type_of(self, type_: Any) -> Type:
        """Return a classical type of Qiskit."""
        match kind_of(type_):
            case "Bool":
                return BOOL
            case "Float":
                return FLOAT
            case "Uint":
                return Type("uint", type_.width)
            case _:
                self.fail(f"values of type {type_} are not supported.")

    def bit(self, clbit: Any) -> int:
        """Return the number of a bit in the whole circuit."""
        if clbit not in self.frame.bits:
            self.fail(f"the bit {clbit} is not in the circuit.")
        return self.frame.bits[clbit]

    def bits_of(self, name: Any) -> list[Any]:
        """Return what the bits of a register, or one bit, hold."""
        bits = name if hasattr(name, "size") else [name]
        return [self.memory[self.bit(each)].data for each in bits]

    def register(self, bits: Any) -> Value:
        """Return the number that a register holds, its first bit the lowest."""
        held, type_ = self.bits_of(bits), Type("uint", len(bits))
        if all(map(is_known, held)):
            return Value(type_, sum(int(bit) << k for k, bit in enumerate(held)))
        if len(held) > MOST_BITS:
            self.fail(f"a register that is a number has {MOST_BITS} bits at most.")
        kind = dtype(type_)
        parts = [
            jnp.asarray(bit).astype(kind) << np.asarray(k, kind)
            for k, bit in enumerate(held)
            if not (is_known(bit) and not bit)
        ]
        return Value(type_, reduce(operator.or_, parts))

    def read(self, name: Any) -> Value:
        """Return what a bit or a register holds."""
        if hasattr(name, "size"):
            return self.register(name)
        return self.memory[self.bit(name)]

    def places(self, target: Any) -> list[Place]:
        """Return the bits that a target of a store may change, or the variable."""
        while kind_of(target) == "Index":
            target = target.target
        if isinstance(target.var, UUID):
            return [target]
        bits = target.var if hasattr(target.var, "size") else [target.var]
        return [self.bit(each) for each in bits]

    # Expressions

    def value(self, node: Any) -> Value:
        """Return the value of an expression."""
        try:
            return self._value(node)
        except ConversionError as error:
            self.fail(f"{error}.")

    def _value(self, node: Any) -> Value:
        match kind_of(node):
            case "Var":
                return self._variable(node)
            case "Value":
                return Value(self.type_of(node.type), node.value)
            case "Cast":
                operand, to = self._value(node.operand), self.type_of(node.type)
                return convert(operand, to, explicit=True)
            case "Unary":
                return self._unary(node)
            case "Binary":
                return self._binary(node)
            case "Index":
                return self._element(node)
            case other:
                self.fail(f"an expression has {other or node!r}, which has no meaning.")

    def _variable(self, node: Any) -> Value:
        if not isinstance(node.var, UUID):
            return self.read(node.var)
        if node not in self.memory:
            self.fail(f"the variable {node.name} is not in the circuit.")
        return self.memory[node]

    def _operand(self, node: Any) -> Value:
        """Return an operand in its type."""
        return convert(self._value(node), self.type_of(node.type), explicit=True)

    def _unary(self, node: Any) -> Value:
        symbol = _OPERATORS[node.op.name]
        found = unary(symbol, self._operand(node.operand))
        return convert(found, self.type_of(node.type), explicit=True)

    def _binary(self, node: Any) -> Value:
        symbol = _OPERATORS[node.op.name]
        a, b = self._operand(node.left), self._operand(node.right)
        if symbol == "/" and a.type.kind == b.type.kind == "uint" and not b.known:
            data = traced(b)
            b = Value(b.type, checked(data, data != 0, ParameterError, BY_ZERO))
        return convert(binary(symbol, a, b), self.type_of(node.type), explicit=True)

    def _element(self, node: Any) -> Value:
        target, index = self._operand(node.target), self._operand(node.index)
        if index.known and index.data >= target.type.width:
            raise ConversionError(f"{node.target.type} has no bit {index.data}")
        lowest = binary("&", binary(">>", target, index), Value(target.type, 1))
        return convert(lowest, BOOL)

    def equals(self, value: Value, number: int) -> Any:
        """Return whether a number is a known one."""
        if value.type == BOOL:
            return value.data if number else unary("!", value).data
        return binary("==", value, Value(value.type, number)).data

    def holds(self, name: Any, number: int) -> Any:
        """Return whether a bit or a register holds a known number."""
        held = self.bits_of(name)
        if number >> len(held):
            return False
        found = Value(BOOL, True)
        for place, bit in enumerate(held):
            equal = self.equals(Value(BOOL, bit), number >> place & 1)
            found = binary("&&", found, Value(BOOL, equal))
        return found.data

    def condition(self, given: Any) -> Any:
        """Return whether a condition holds: a bool, or a traced one."""
        if isinstance(given, tuple):
            name, number = given
            found = self.holds(name, int(number))
        else:
            found = convert(self.value(given), BOOL).data
        return bool(found) if is_known(found) else found

    # Stores

    def store(self, target: Any, value: Value) -> None:
        """Give a variable, a bit, a register or one of its bits a value."""
        to = self.type_of(target.type)
        new = convert(value, to, explicit=True)
        if kind_of(target) == "Index":
            self._store_bit(target, new)
        elif isinstance(target.var, UUID):
            self.memory[target] = new
        elif to == BOOL:
            self.memory[self.bit(target.var)] = new
        else:
            held = convert(new, Type("bit", to.size), explicit=True).data
            for place, bit in zip(self.places(target), held, strict=True):
                self.memory[place] = Value(BOOL, bool(bit) if is_known(bit) else bit)

    def _store_bit(self, target: Any, new: Value) -> None:
        """Give one bit of an integer a value."""
        whole, index = self._operand(target.target), self._operand(target.index)
        type_ = whole.type
        if index.known and index.data >= type_.width:
            raise ConversionError(f"{target.target.type} has no bit {index.data}")
        one, bit = Value(type_, 1), convert(new, type_)
        kept = unary("~", binary("<<", one, index))
        rest = binary("&", whole, convert(kept, type_))
        self.store(target.target, binary("|", rest, binary("<<", bit, index)))

    def arrays_of(self, places: list[Place]) -> tuple[Any, ...]:
        """Return what places hold, as arrays of JAX."""
        try:
            return tuple(traced(self.memory[place]) for place in places)
        except ConversionError as error:
            self.fail(f"{error}.")

    def give(self, places: list[Place], data: Any) -> None:
        """Give places other data of their types."""
        for place, new in zip(places, data, strict=True):
            self.memory[place] = Value(self.memory[place].type, new)

    def not_known(self, what: str) -> Any:
        """Refuse a value that is not known when tracing."""
        self.fail(f"{what} must be known when tracing.", NotKnownError)
