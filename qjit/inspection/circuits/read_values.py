"""Values of the IR as expressions of the program's arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects import arith, math, memref, scf
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
)
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import SymbolTable

from .expressions import COMPARISONS, Expression, element, operation

CASTS: tuple[type[Operation], ...] = (
    *(arith.ExtFOp, arith.TruncFOp, arith.ExtSIOp, arith.ExtUIOp, arith.TruncIOp),
    *(arith.IndexCastOp, arith.SIToFPOp, arith.UIToFPOp),
)
BINARY: dict[type[Operation], str] = {
    **dict.fromkeys((arith.AddfOp, arith.AddiOp), "+"),
    **dict.fromkeys((arith.SubfOp, arith.SubiOp), "-"),
    **dict.fromkeys((arith.MulfOp, arith.MuliOp), "*"),
    **dict.fromkeys((arith.MaximumfOp, arith.MaxSIOp, arith.MaxUIOp), "max"),
    **dict.fromkeys((arith.MinimumfOp, arith.MinSIOp, arith.MinUIOp), "min"),
    arith.DivfOp: "/",
    arith.AndIOp: "and",
    arith.OrIOp: "or",
    arith.XOrIOp: "xor",
    arith.DivUIOp: "//",
    arith.DivSIOp: "trunc_div",
    arith.RemSIOp: "rem",
    arith.RemUIOp: "%",
    math.PowFOp: "pow",
    math.Atan2Op: "atan2",
}
UNARY: dict[type[Operation], str] = {
    arith.NegfOp: "-",
    arith.FPToSIOp: "int",
    math.AbsFOp: "abs",
    math.AbsIOp: "abs",
    math.AcosOp: "acos",
    math.AsinOp: "asin",
    math.AtanOp: "atan",
    math.CeilOp: "ceil",
    math.CosOp: "cos",
    math.CoshOp: "cosh",
    math.ExpOp: "exp",
    math.FloorOp: "floor",
    math.LogOp: "log",
    math.SinOp: "sin",
    math.SinhOp: "sinh",
    math.SqrtOp: "sqrt",
    math.TanOp: "tan",
    math.TanhOp: "tanh",
}
LOGIC = ("and", "or", "xor")
# Predicates of integers and of floats, by number.
INTEGERS = ("==", "!=", "<", "<=", ">", ">=", "<", "<=", ">", ">=")
FLOATS: dict[int, str] = {
    **{n: sign for n, sign in enumerate(("==", ">", ">=", "<", "<=", "!="), 1)},
    **{n: sign for n, sign in enumerate(("==", ">", ">=", "<", "<=", "!="), 8)},
}
LETTERS = "abcdefghlopqrstuvw"
LONGEST = 16  # characters of an expression that is written where it is used
LARGEST = 250  # parts of an expression, beyond which it is a name
ARITHMETIC: frozenset[type[Operation | Block]] = frozenset(
    (*CASTS, *BINARY, *UNARY, arith.CmpiOp, arith.CmpfOp, arith.SelectOp)
)


@dataclass
class Names:
    """The names of a circuit's values that are no simple expressions, and a legend."""

    taken: set[str]
    legend: dict[str, str] = field(default_factory=dict[str, str])
    tables: dict[str, Any] = field(default_factory=dict[str, Any])
    _known: dict[Any, str] = field(default_factory=dict[Any, str])
    _first: int = 0  # before this number, all letters are taken

    def fresh(self, letters: Sequence[str] = LETTERS) -> str:
        """Return a name that is not taken."""
        own = letters is LETTERS
        for number in range(self._first * own, 1 + len(self.taken)):
            for letter in letters:
                name = f"{letter}{number or ''}"
                if name not in self.taken:
                    self.taken.add(name)
                    self._first = number if own else self._first
                    return name
        raise AssertionError("there are more names than are taken")

    def of(self, key: Any, meaning: str) -> str:
        """Return the name of something, which the legend explains."""
        if key not in self._known:
            self._known[key] = self.fresh()
            self.legend[self._known[key]] = meaning
        return self._known[key]


class Values:
    """Reads values of the IR, of which some stand for expressions or for others."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.known: dict[SSAValue, Expression] = {}
        self.same: dict[SSAValue, SSAValue] = {}  # parameters of functions and blocks
        self.arrays: dict[SSAValue, str] = {}  # arguments that are buffers
        self.stores: dict[SSAValue, memref.StoreOp | None] = {}

    def parameter(self, value: SSAValue) -> Expression:
        """Return a value as a drawing writes it: long expressions have a name."""
        return self.short(self.read(value))

    def short(self, found: Expression) -> Expression:
        """Return an expression, or a name for it if it is long."""
        text = found.text()
        if len(text) <= LONGEST or found.number is not None:
            return found
        return Expression(self.names.of(found, f"= {text}"))

    def read(self, value: SSAValue) -> Expression:
        """Return a value as an expression."""
        pending = [self._meant(value)]
        while pending:
            last = pending[-1]
            before = [] if last in self.known else self._before(last)
            if not before:
                pending.pop()
                self._read(last)
            pending.extend(reversed(before))
        return self.known[self._meant(value)]

    def _meant(self, value: SSAValue) -> SSAValue:
        while value in self.same:
            value = self.same[value]
        return value

    def _before(self, value: SSAValue) -> list[SSAValue]:
        """Return what is not known yet of the operands of arithmetic."""
        owner = value.owner
        if type(owner) not in ARITHMETIC or isinstance(owner, Block):
            return []
        operands = map(self._meant, owner.operands)
        return [each for each in operands if each not in self.known]

    def _read(self, value: SSAValue) -> None:
        if value in self.known:
            return
        owner = value.owner
        found = None if isinstance(owner, Block) else self._computed(owner, value)
        if found is not None and found.size > LARGEST:
            found = Expression(self.names.of(found, f"= {found.text()}"))
        self.known[value] = found or self.unknown(value)

    def index(self, value: SSAValue) -> Expression:
        """Return an index, without what keeps it in range."""
        return _in_range(self.read(value))

    def unknown(self, value: SSAValue) -> Expression:
        """Return a name for a value of which nothing simple is known."""
        return Expression(self.names.of(value, "is computed when the program runs"))

    def _computed(self, op: Operation, value: SSAValue) -> Expression | None:
        if isinstance(op, CASTS):
            return self.read(op.operands[0])
        if isinstance(op, arith.ConstantOp):
            return _constant(op)
        if isinstance(op, memref.LoadOp):
            return self._load(op)
        if isinstance(op, arith.CmpiOp | arith.CmpfOp):
            return self._compared(op)
        if isinstance(op, arith.SelectOp):
            return self._selected(op)
        operands = [*map(self.read, op.operands)]
        sign = BINARY.get(type(op))
        if sign in LOGIC:
            if value.type != IntegerType(1):
                return None
            if sign == "xor" and operands[1].number is not None:
                return operation("not ", operands[0])
            return operation(sign, *operands)
        if sign is None:
            sign = UNARY.get(type(op))
        return None if sign is None else operation(sign, *operands)

    def _compared(self, op: arith.CmpiOp | arith.CmpfOp) -> Expression | None:
        number = op.predicate.value.data
        floats = isinstance(op, arith.CmpfOp)
        sign = FLOATS.get(number) if floats else INTEGERS[number]
        first, second = self.read(op.lhs), self.read(op.rhs)
        if sign is None:
            return None
        if self._is_bit(first) and second.number in (0, 1):
            if (sign, second.number) in ((">", 0), ("!=", 0), ("==", 1), (">=", 1)):
                return first
            if (sign, second.number) in (("==", 0), ("<=", 0), ("!=", 1), ("<", 1)):
                return operation("not ", first)
        return operation(sign, first, second)

    def _is_bit(self, found: Expression) -> bool:
        head = str(found.head)
        outcome = found.is_name and head.startswith("m") and head[1:].isdigit()
        return outcome or head in COMPARISONS or head in ("not ", *LOGIC)

    def _selected(self, op: arith.SelectOp) -> Expression | None:
        condition = self.read(op.cond)
        first, second = self.read(op.lhs), self.read(op.rhs)
        if first == second:
            return first
        wraps = operation("<", second, Expression(0)) == condition
        if wraps and first.head == "+" and second in first.operands:
            return second  # an index that may count from the end
        if condition.number is not None:
            return first if condition.number else second
        return _floored(condition, first, second) or _length(condition, first, second)

    def _load(self, op: memref.LoadOp) -> Expression | None:
        buffer = self._meant(op.memref)
        indices = [*map(self.index, op.indices)]
        if buffer in self.arrays:
            return element(self.arrays[buffer], *indices)
        owner = buffer.owner
        if isinstance(owner, memref.GetGlobalOp):
            return self.of_table(owner, indices)
        if isinstance(owner, memref.AllocOp):
            return self._stored(buffer, op)
        return None

    def of_table(
        self, op: memref.GetGlobalOp, indices: Sequence[Expression]
    ) -> Expression | None:
        """Return an element of a constant array, if it is one."""
        found = SymbolTable.lookup_symbol(op, op.name_)
        table = getattr(found, "initial_value", None)
        if not isinstance(table, DenseIntOrFPElementsAttr):
            return None
        assert isinstance(op.memref.type, MemRefType)
        array = np.reshape(
            np.resize(table.get_values(), op.memref.type.element_count()),
            op.memref.type.get_shape(),
        )
        if all(index.number is not None for index in indices):
            place = tuple(int(index.number or 0) for index in indices)
            return Expression(array[place].item())
        text = np.array2string(array, precision=2, separator=", ", threshold=8)
        name = self.names.of(op.name_.string_value(), f"= {' '.join(text.split())}")
        self.names.tables[name] = array.tolist()
        return element(name, *indices)

    def _stored(self, buffer: SSAValue, load: memref.LoadOp) -> Expression | None:
        """Return an element of a buffer to which one operation writes."""
        if buffer not in self.stores:
            self.stores[buffer] = _only_store(buffer)
        store = self.stores[buffer]
        if store is None:
            return None
        inner: dict[SSAValue, SSAValue] = {}
        for to, at in zip(store.indices, load.indices, strict=True):
            block = to.owner
            if isinstance(block, Block) and isinstance(block.parent_op(), scf.ForOp):
                inner[to] = at
            elif to is not at and self.read(to) != self.read(at):
                return None
        reader = Values(self.names)
        reader.arrays, reader.same = self.arrays, {**self.same, **inner}
        reader.stores = self.stores
        if not inner:
            reader.known = self.known
        return reader.read(store.value)


def _only_store(buffer: SSAValue) -> memref.StoreOp | None:
    """Return the store that writes to a buffer, if nothing else may."""
    users = (use.operation for use in buffer.uses)
    reads = memref.LoadOp | memref.DeallocOp
    writers = [op for op in users if not isinstance(op, reads)]
    (store,) = writers if len(writers) == 1 else (None,)
    if isinstance(store, memref.StoreOp) and store.memref is buffer:
        return store
    return None


def _constant(op: arith.ConstantOp) -> Expression | None:
    value = op.value
    if isinstance(value, IntegerAttr):
        number = int(value.value.data)
        return Expression(abs(number) if value.type == IntegerType(1) else number)
    return Expression(value.value.data) if isinstance(value, FloatAttr) else None


def _floored(
    condition: Expression, first: Expression, second: Expression
) -> Expression | None:
    """Return the quotient or remainder of a division that rounds down, if it is one."""
    division = second.operands
    if second.head not in ("trunc_div", "rem"):
        return None
    if Expression("rem", division) not in condition.parts():
        return None
    if second.head == "rem" and first == operation("+", second, division[1]):
        return Expression("%", division)
    if second.head == "trunc_div" and first == operation("-", second, Expression(1)):
        return Expression("//", division)
    return None


def _length(condition: Expression, first: Expression, second: Expression) -> Expression:
    """Return a choice between expressions, which may be how long a range is."""
    if condition.head == "<" and second.number == 0:
        start, stop = condition.operands
        less = operation("-", operation("-", stop, start), Expression(1))
        step = next(
            (each.operands[1] for each in first.parts() if each.head == "//"),
            Expression(1),
        )
        rounds = operation("+", operation("//", less, step), Expression(1))
        if rounds == first:
            return Expression("len", (start, stop, step))
    return Expression("where", (condition, first, second))


def _in_range(found: Expression) -> Expression:
    while found.head in ("max", "min"):
        first, second = found.operands
        if (first.number is None) == (second.number is None):
            return found
        found = first if first.number is None else second
    return found
