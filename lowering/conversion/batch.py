"""Conversion of batches to calls of the runtime, which spreads them over threads.

An entry is a function of the addresses of its arguments, of its number, and of its
worker's workspace and context.
"""

from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import IntegerType, i64
from xdsl.ir import Attribute, Block, SSAValue

from qjit.dialects import host
from qjit.dialects.batch import ForEachOp, InLanesOp
from qjit.dialects.gradient import AdjointOp
from qjit.dialects.quantum import AllocOp
from qjit.dialects.statevector import ScheduleOp
from qjit.lowering.analysis.cost_model import Costs, callee, everything
from qjit.lowering.analysis.polling import period
from qjit.runtime.statevector.parallel_for import NEVER

from .converter import Converter, convert_type, llvm_rule, pointer_type
from .observables import adjoint_in_lanes
from .quantum import run_in_lanes

# Larger states are not simulated side by side: threads share each of them instead.
MOST_WIRES = 16
# From how many on threads can share a state, and entries that each must have then.
SHARED_WIRES, FEWEST = 13, 2
# Batches of less work, in nanoseconds, are done before another thread has begun.
LEAST_WORK = 1 << 17
# Python is called in the order of the program; BLAS has one number of threads for all.
SEQUENTIAL = (host.CallOp, host.RoutineOp)
ARGUMENT_BYTES = 16
byte = IntegerType(8)


@llvm_rule(ForEachOp)
def _for_each(converter: Converter, op: ForEachOp) -> None:
    function = callee(op)
    assert function is not None
    symbol = function.sym_name.data
    own = converter.callees[symbol]
    _add_entry(converter, function)
    converter.declare("__qjit__poll", i64, [])
    asks = period(op)
    args = [
        converter.emit(llvm.AddressOfOp(_entry_name(symbol), pointer_type)),
        _arguments(converter, op),
        converter.value(op.count),
        *map(converter.int, _least(function)),
        converter.int(own.workspace_bytes),
        converter.workspace_for(own),
        converter.context,
        converter.null()
        if asks is None
        else converter.emit(llvm.AddressOfOp("__qjit__poll", pointer_type)),
        converter.int(asks or 1),
    ]
    converter.check(converter.result("__qrt__for_each", i64, args))


def _entry_name(symbol: str) -> str:
    return f"{symbol}_at"


def _add_entry(converter: Converter, function: func.FuncOp) -> None:
    """Add the function that reads its arguments and calls that of an entry."""
    symbol = function.sym_name.data
    block = Block(arg_types=[pointer_type, i64, pointer_type, pointer_type])
    arguments, *rest = block.args
    values: list[SSAValue] = []
    for place, argument in enumerate(function.body.block.args[:-1]):
        offset = [place * ARGUMENT_BYTES]
        address = llvm.GEPOp.from_mixed_indices(arguments, offset, byte)
        load = llvm.LoadOp(address.result, convert_type(argument.type))
        block.add_ops([address, load])
        values.append(load.dereferenced_value)
    call = llvm.CallOp(symbol, *values, *rest, return_type=i64)
    assert call.returned is not None
    block.add_ops([call, llvm.ReturnOp(call.returned)])
    types: list[Attribute] = [argument.type for argument in block.args]
    kind = llvm.LLVMFunctionType(types, i64)
    entry = llvm.FuncOp(_entry_name(symbol), kind, llvm.LinkageAttr("internal"))
    entry.body.add_block(block)
    converter.module.body.block.add_op(entry)


def _arguments(converter: Converter, op: ForEachOp) -> SSAValue:
    """Return the address of what all entries are given."""
    buffer = converter.stack(max(1, len(op.arguments)) * ARGUMENT_BYTES)
    for place, argument in enumerate(op.arguments):
        target = converter.offset(buffer, place * ARGUMENT_BYTES, byte)
        converter.store(converter.value(argument), target)
    return buffer


def _least(function: func.FuncOp) -> tuple[int, int]:
    """Return from how many entries on, in all and per thread, threads share a batch."""
    operations = list(everything(function))
    states = (op.register.type for op in operations if isinstance(op, AllocOp))
    widest = max((state.size.data for state in states), default=0)
    if widest > MOST_WIRES or any(isinstance(op, SEQUENTIAL) for op in operations):
        return NEVER, 0
    least = 1 + LEAST_WORK // max(1, Costs().function(function))
    return least, FEWEST if widest >= SHARED_WIRES else 0


@llvm_rule(InLanesOp)
def _in_lanes(converter: Converter, op: InLanesOp) -> None:
    operations = list(op.body.block.ops)
    runs = [each for each in operations if isinstance(each, ScheduleOp)]
    adjoints = [each for each in operations if isinstance(each, AdjointOp)]
    if runs:
        run_in_lanes(converter, runs)
    else:
        adjoint_in_lanes(converter, adjoints)
