"""Numpy meanings of the classical operations that xDSL's interpreter leaves out.

Numbers are Python's and arrays are numpy's.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from xdsl.dialects import arith, cf, complex, math, memref, scf, tensor
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    AnyFloat,
    ComplexType,
    DenseIntOrFPElementsAttr,
    Float32Type,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    ShapedType,
    SymbolRefAttr,
    TensorType,
    i64,
)
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)
from xdsl.interpreters.arith import ArithFunctions
from xdsl.interpreters.func import FuncFunctions
from xdsl.interpreters.math import MathFunctions
from xdsl.interpreters.scf import ScfFunctions
from xdsl.ir import Attribute, Operation
from xdsl.utils.exceptions import InterpretationError


def _divided(a: int, b: int) -> int:
    """Return a quotient of integers rounded towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


ELEMENTWISE: Mapping[type[Operation], Callable[..., Any]] = {
    arith.AddiOp: operator.add,
    arith.SubiOp: operator.sub,
    arith.MuliOp: operator.mul,
    arith.AndIOp: operator.and_,
    arith.OrIOp: operator.or_,
    arith.XOrIOp: operator.xor,
    arith.ShLIOp: operator.lshift,
    arith.ShRSIOp: operator.rshift,
    arith.DivSIOp: _divided,
    arith.RemSIOp: lambda a, b: a - b * _divided(a, b),
    arith.FloorDivSIOp: operator.floordiv,
    arith.SelectOp: lambda chosen, a, b: a if chosen else b,
    arith.AddfOp: operator.add,
    arith.SubfOp: operator.sub,
    arith.MulfOp: operator.mul,
    arith.MinimumfOp: lambda a, b: float(np.minimum(a, b)),
    arith.MaximumfOp: lambda a, b: float(np.maximum(a, b)),
    arith.DivfOp: lambda a, b: float(np.divide(a, b)),
    arith.NegfOp: operator.neg,
    arith.ExtFOp: float,
    arith.TruncFOp: lambda a: float(np.float32(a)),
    arith.SIToFPOp: float,
    arith.FPToSIOp: int,
    arith.IndexCastOp: int,
    arith.ExtSIOp: int,
    arith.MaxSIOp: max,
    arith.MinSIOp: min,
    arith.MaxnumfOp: lambda a, b: float(np.fmax(a, b)),
    arith.MinnumfOp: lambda a, b: float(np.fmin(a, b)),
    math.AbsFOp: abs,
    math.AbsIOp: abs,
    math.AcosOp: lambda a: float(np.arccos(a)),
    math.AsinOp: lambda a: float(np.arcsin(a)),
    math.AtanOp: lambda a: float(np.arctan(a)),
    math.Atan2Op: lambda a, b: float(np.arctan2(a, b)),
    math.CosOp: lambda a: float(np.cos(a)),
    math.ExpOp: lambda a: float(np.exp(a)),
    math.LogOp: lambda a: float(np.log(a)),
    math.SqrtOp: lambda a: float(np.sqrt(a)),
    math.ExpM1Op: lambda a: float(np.expm1(a)),
    math.FloorOp: lambda a: float(np.floor(a)),
    math.Log1pOp: lambda a: float(np.log1p(a)),
    math.PowFOp: lambda a, b: float(np.power(a, b)),
    math.SinOp: lambda a: float(np.sin(a)),
    math.TanOp: lambda a: float(np.tan(a)),
    math.TanhOp: lambda a: float(np.tanh(a)),
    complex.CreateOp: lambda re, im: re + 1j * im,
    complex.ReOp: lambda a: a.real,
    complex.ImOp: lambda a: a.imag,
    complex.AddOp: operator.add,
    complex.SubOp: operator.sub,
    complex.MulOp: operator.mul,
    complex.DivOp: operator.truediv,
    complex.NegOp: operator.neg,
    complex.ConjOp: lambda a: a.conjugate(),
    complex.AbsOp: abs,
    complex.ExpOp: lambda a: np.exp(a).item(),
}


def _elementwise(function: Callable[..., Any]) -> Callable[..., PythonValues]:
    def run(
        self: InterpreterFunctions, interpreter: Interpreter, op: Operation, args: Any
    ) -> PythonValues:
        return (of_width(function(*args), op.results[0].type),)

    return run


def of_width(number: Any, kind: Attribute) -> Any:
    """Return a number of a type; integers keep their low bits, the highest as sign.

    A bit that is set is 1, not -1.
    """
    if not isinstance(kind, IntegerType):
        return number
    width = kind.width.data
    low = int(number) & ((1 << width) - 1)
    return low - (1 << width) if width > 1 and low >> (width - 1) else low


# Of integers whose bits are read as numbers without sign.
UNSIGNED: Mapping[type[Operation], Callable[..., int]] = {
    arith.DivUIOp: operator.floordiv,
    arith.MaxUIOp: max,
    arith.MinUIOp: min,
    arith.RemUIOp: operator.mod,
    arith.ShRUIOp: operator.rshift,
    math.CtPopOp: int.bit_count,
}


def _unsigned(function: Callable[..., int]) -> Callable[..., PythonValues]:
    def run(
        self: InterpreterFunctions, interpreter: Interpreter, op: Operation, args: Any
    ) -> PythonValues:
        given = op.results[0].type
        kind = given if isinstance(given, IntegerType) else i64
        width = kind.width.data
        found = function(*(int(number) % 2**width for number in args))
        return (of_width(found, kind),)

    return run


class ElementwiseFunctions(InterpreterFunctions):
    """The operations of `ELEMENTWISE` and `UNSIGNED`."""


for _op, _function in ELEMENTWISE.items():
    setattr(ElementwiseFunctions, _op.__name__, impl(_op)(_elementwise(_function)))
for _op, _function in UNSIGNED.items():
    setattr(ElementwiseFunctions, _op.__name__, impl(_op)(_unsigned(_function)))
register_impls(ElementwiseFunctions)


def dtype_of(element: Attribute) -> np.dtype[Any]:
    """Return the numpy type of an element type."""
    match element:
        case ComplexType():
            double = element.element_type != Float32Type()
            return np.dtype(np.complex128 if double else np.complex64)
        case IntegerType():
            width = element.width.data
            return np.dtype(bool) if width == 1 else np.dtype(f"i{width // 8}")
        case _ if isinstance(element, AnyFloat):
            return np.dtype(f"f{element.bitwidth // 8}")
        case _:
            return np.dtype(np.int64)


# By the names of predicates; of floats, ordered ones do not hold for NaN.
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
INTEGER_PREDICATES = (
    "eq",
    "ne",
    "slt",
    "sle",
    "sgt",
    "sge",
    "ult",
    "ule",
    "ugt",
    "uge",
)
FLOAT_PREDICATES = (
    *("false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord"),
    *("ueq", "ugt", "uge", "ult", "ule", "une", "uno", "true"),
)


def _compared(name: str, a: float, b: float) -> bool:
    """Return whether a predicate of floats holds."""
    unordered = bool(np.isnan(a) or np.isnan(b))
    if name in ("false", "true"):
        return name == "true"
    if name in ("ord", "uno"):
        return unordered == (name == "uno")
    return name[0] == "u" if unordered else COMPARISONS[name[1:]](a, b)


@register_impls
class NumberFunctions(InterpreterFunctions):
    """Comparisons of Python's numbers, loops that count with them, and cases."""

    @impl(arith.CmpiOp)
    def run_cmpi(
        self, interpreter: Interpreter, op: arith.CmpiOp, args: PythonValues
    ) -> PythonValues:
        """Compare integers."""
        name = INTEGER_PREDICATES[op.predicate.value.data]
        if name[0] == "u":
            args = tuple(int(number) % 2**64 for number in args)
        return (COMPARISONS[name[-2:]](*args),)

    @impl(arith.CmpfOp)
    def run_cmpf(
        self, interpreter: Interpreter, op: arith.CmpfOp, args: PythonValues
    ) -> PythonValues:
        """Compare floats."""
        return (_compared(FLOAT_PREDICATES[op.predicate.value.data], *args),)

    @impl(scf.ForOp)
    def run_for(
        self, interpreter: Interpreter, op: scf.ForOp, args: PythonValues
    ) -> PythonValues:
        """Run the body once for each number in the range."""
        first, end, step, *carried = args
        values = tuple(carried)
        for number in range(first, end, step):
            values = interpreter.run_ssacfg_region(op.body, (number, *values), "loop")
        return values

    @impl(scf.IndexSwitchOp)
    def run_switch(
        self, interpreter: Interpreter, op: scf.IndexSwitchOp, args: PythonValues
    ) -> PythonValues:
        """Run the region of the case that a number is."""
        cases = dict(zip(op.cases.get_values(), op.case_regions, strict=True))
        region = cases.get(int(args[0]), op.default_region)
        return interpreter.run_ssacfg_region(region, (), "case")

    @impl(cf.AssertOp)
    def run_assert(
        self, interpreter: Interpreter, op: cf.AssertOp, args: PythonValues
    ) -> PythonValues:
        """Refuse what is false."""
        if not args[0]:
            raise InterpretationError(op.msg.data)
        return ()


@register_impls
class ArrayFunctions(InterpreterFunctions):
    """Constants, and arrays of the memref and tensor dialects."""

    @impl(arith.ConstantOp)
    def run_constant(
        self, interpreter: Interpreter, op: arith.ConstantOp, args: PythonValues
    ) -> PythonValues:
        """Make a number or an array."""
        if isinstance(op.value, DenseIntOrFPElementsAttr):
            return (dense_array(op.value),)
        assert isinstance(op.value, IntegerAttr | FloatAttr)
        return (of_width(op.value.value.data, op.result.type),)

    @impl(arith.ExtUIOp)
    def run_extend(
        self, interpreter: Interpreter, op: arith.ExtUIOp, args: PythonValues
    ) -> PythonValues:
        """Read the bits as a number without sign."""
        assert isinstance(op.input.type, IntegerType)
        return (args[0] & ((1 << op.input.type.width.data) - 1),)

    @impl(arith.TruncIOp)
    def run_truncate(
        self, interpreter: Interpreter, op: arith.TruncIOp, args: PythonValues
    ) -> PythonValues:
        """Keep the low bits, the highest of them as the sign."""
        return (of_width(args[0], op.result.type),)

    @impl(arith.UIToFPOp)
    def run_to_float(
        self, interpreter: Interpreter, op: arith.UIToFPOp, args: PythonValues
    ) -> PythonValues:
        """Read the bits as a number without sign."""
        assert isinstance(op.input.type, IntegerType)
        return (float(args[0] & ((1 << op.input.type.width.data) - 1)),)

    @impl(memref.AllocOp)
    def run_alloc(
        self, interpreter: Interpreter, op: memref.AllocOp, args: PythonValues
    ) -> PythonValues:
        """Make an array of zeros."""
        return (_zeros(op.memref.type),)

    @impl(memref.AllocaOp)
    def run_alloca(
        self, interpreter: Interpreter, op: memref.AllocaOp, args: PythonValues
    ) -> PythonValues:
        """Make an array of zeros."""
        return (_zeros(op.memref.type),)

    @impl(memref.DeallocOp)
    def run_dealloc(
        self, interpreter: Interpreter, op: memref.DeallocOp, args: PythonValues
    ) -> PythonValues:
        """Do nothing."""
        return ()

    @impl(memref.GetGlobalOp)
    def run_get_global(
        self, interpreter: Interpreter, op: memref.GetGlobalOp, args: PythonValues
    ) -> PythonValues:
        """Make the array that a global is initialised with."""
        assert isinstance(op.name_, SymbolRefAttr)
        found = interpreter.get_op_for_symbol(op.name_)
        assert isinstance(found, memref.GlobalOp)
        assert isinstance(found.initial_value, DenseIntOrFPElementsAttr)
        return (dense_array(found.initial_value),)

    @impl(memref.LoadOp)
    def run_load(
        self, interpreter: Interpreter, op: memref.LoadOp, args: PythonValues
    ) -> PythonValues:
        """Read an element."""
        array, *indices = args
        return (array[tuple(indices)].item(),)

    @impl(memref.StoreOp)
    def run_store(
        self, interpreter: Interpreter, op: memref.StoreOp, args: PythonValues
    ) -> PythonValues:
        """Write an element."""
        value, array, *indices = args
        array[tuple(indices)] = value
        return ()

    @impl(memref.ReinterpretCastOp)
    def run_view(
        self, interpreter: Interpreter, op: memref.ReinterpretCastOp, args: PythonValues
    ) -> PythonValues:
        """Look at the elements from an offset on, in order, as another array.

        A window of them may end behind the last one.
        """
        array, *given = args
        numbers = iter(given)
        offset, shape = (
            [
                next(numbers) if number == DYNAMIC_INDEX else number
                for number in static.get_values()
            ]
            for static in (op.static_offsets, op.static_sizes)
        )
        first = offset[0]
        flat = array.reshape(-1)[first : first + int(np.prod(shape))]
        return (flat if len(shape) == 1 else flat.reshape(shape),)

    @impl(memref.CopyOp)
    def run_copy(
        self, interpreter: Interpreter, op: memref.CopyOp, args: PythonValues
    ) -> PythonValues:
        """Write all elements."""
        source, destination = args
        destination[...] = source
        return ()

    @impl(tensor.ExtractOp)
    def run_extract(
        self, interpreter: Interpreter, op: tensor.ExtractOp, args: PythonValues
    ) -> PythonValues:
        """Read an element."""
        array, *indices = args
        return (array[tuple(indices)].item(),)

    @impl(tensor.FromElementsOp)
    def run_from_elements(
        self, interpreter: Interpreter, op: tensor.FromElementsOp, args: PythonValues
    ) -> PythonValues:
        """Make an array of the operands."""
        array = _zeros(op.result.type)
        array[...] = np.reshape(args, array.shape)
        return (array,)


def interpreter_of(
    module: ModuleOp, functions: Sequence[InterpreterFunctions] = ()
) -> Interpreter:
    """Return an interpreter of the classical operations of a module.

    Operations of other dialects mean what `functions` say.
    """
    found = Interpreter(module)
    for each in (ArithFunctions(), MathFunctions(), ScfFunctions(), *functions):
        found.register_implementations(each)
    found.register_implementations(FuncFunctions())
    for each in (ElementwiseFunctions(), ArrayFunctions(), NumberFunctions()):
        found.register_implementations(each, override=True)
    return found


def _zeros(array_type: Attribute) -> Any:
    assert isinstance(array_type, MemRefType | TensorType)
    return np.zeros(array_type.get_shape(), dtype_of(array_type.element_type))


def dense_array(value: DenseIntOrFPElementsAttr) -> Any:
    """Return the array that an attribute is, of the numpy type of its elements."""
    array_type = value.type
    assert isinstance(array_type, ShapedType)
    values: Any = value.get_values()
    dtype = dtype_of(value.get_element_type())
    if np.issubdtype(dtype, np.complexfloating):
        values = [complex_(*pair) for pair in values]
    array = np.asarray(values, dtype)
    full = array if array.size > 1 else np.broadcast_to(array, array_type.get_shape())
    return full.reshape(array_type.get_shape()).copy()


def complex_(real: float, imaginary: float) -> Any:
    """Return a complex number; the dialect of that name hides the builtin."""
    return real + 1j * imaginary
