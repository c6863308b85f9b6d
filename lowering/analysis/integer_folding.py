"""Integers that operations give where the integers that they take are known."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from xdsl.dialects import arith
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IndexType,
    IntegerType,
    ModuleOp,
    i1,
)
from xdsl.dialects.memref import GetGlobalOp, GlobalOp, LoadOp
from xdsl.interpreter import Interpreter
from xdsl.interpreters.arith import ArithFunctions
from xdsl.ir import Operation, SSAValue
from xdsl.utils.exceptions import InterpretationError

from qjit.dialects.interpreter.classical import (
    ArrayFunctions,
    ElementwiseFunctions,
    NumberFunctions,
    dense_array,
    of_width,
)

# What has no meaning for some numbers, as a quotient by zero.
MEANINGLESS = (InterpretationError, ArithmeticError, ValueError)
# Conversions that read a bit as 0 and -1.
SIGNED = (arith.ExtSIOp, arith.SIToFPOp, arith.IndexCastOp)


class IntegerFolding:
    """Computes integers by the executable definition of operations."""

    def __init__(self, module: ModuleOp | None = None) -> None:
        """Take the constant arrays of a module along, if there is one."""
        self.module = ModuleOp([]) if module is None else module
        self._interpreter = Interpreter(self.module)
        self._interpreter.register_implementations(ArithFunctions())
        for functions in (ArrayFunctions, ElementwiseFunctions, NumberFunctions):
            self._interpreter.register_implementations(functions(), override=True)
        self._arrays: dict[str, Any] = {}

    def folds(self, op: Operation) -> bool:
        """Tell whether an operation gives an integer, of integers only."""
        if len(op.results) != 1 or not is_integer(op.results[0]):
            return False
        if isinstance(op, LoadOp):
            return self._global(op) is not None
        if not op.name.startswith(("arith.", "math.")) or not op.operands:
            return False
        if isinstance(op, SIGNED) and op.operands[0].type == i1:
            return False
        return all(map(is_integer, op.operands))

    def result(self, op: Operation, operands: Sequence[int | None]) -> int | None:
        """Return the integer that an operation gives; None where that is not known.

        Args:
            op: the operation.
            operands: what each of its operands is, None where that is not known.
        """
        if not self.folds(op):
            return None
        if isinstance(op, LoadOp):
            number = self._loaded(op, operands[1:])
        elif None in operands:
            return None
        else:
            pairs = zip(op.operands, operands, strict=True)
            number = self._computed(op, [of_width(n, v.type) for v, n in pairs])
        return None if number is None else of_width(number, op.results[0].type)

    def _computed(self, op: Operation, operands: Sequence[int]) -> int | None:
        try:
            (number,) = self._interpreter.run_op(op, tuple(operands))
        except MEANINGLESS:
            return None
        return int(number)

    def _loaded(self, op: LoadOp, places: Sequence[int | None]) -> int | None:
        found = self._global(op)
        assert found is not None
        name = found.sym_name.data
        if name not in self._arrays:
            assert isinstance(found.initial_value, DenseIntOrFPElementsAttr)
            self._arrays[name] = dense_array(found.initial_value)
        array = self._arrays[name]
        index = [n for n in places if n is not None]
        inside = all(0 <= n < size for n, size in zip(index, array.shape, strict=False))
        if len(index) < len(places) or not inside:
            return None
        return int(array[tuple(index)])

    def _global(self, op: LoadOp) -> GlobalOp | None:
        """Return the constant array that an operation reads."""
        owner = op.memref.owner
        if not isinstance(owner, GetGlobalOp):
            return None
        found = self._globals.get(owner.name_.string_value())
        if found is None or found.constant is None:
            return None
        known = isinstance(found.initial_value, DenseIntOrFPElementsAttr)
        return found if known else None

    @cached_property
    def _globals(self) -> Mapping[str, GlobalOp]:
        found = (op for op in self.module.ops if isinstance(op, GlobalOp))
        return {op.sym_name.data: op for op in found}


def is_integer(value: SSAValue) -> bool:
    """Tell whether a value is an integer or an index."""
    return isinstance(value.type, IntegerType | IndexType)
