"""Conversion of calls out of a program: to Python, to C, and to BLAS and LAPACK."""

from xdsl.dialects import llvm
from xdsl.dialects.builtin import i32, i64

from qjit.dialects.host import CallOp, FunctionOp, RoutineOp
from qjit.lowering.conversion.converter import Converter, convert_type, llvm_rule
from qjit.lowering.native.blas import PREFIX, SPLIT, THREADS, threads_address
from qjit.runtime.abi.status import HOST_ERROR, Status


@llvm_rule(CallOp)
def _call(converter: Converter, op: CallOp) -> None:
    """Call Python, and leave the program where it raised an exception."""
    pointers = [converter.pointer(buffer) for buffer in op.buffers]
    split = op.num_inputs.value.data
    args = [
        converter.int(op.key.value.data),
        converter.pointer_array(pointers[:split]),
        converter.pointer_array(pointers[split:]),
    ]
    status = converter.result("__qjit__host_call", i64, args)
    line = 0 if op.line is None else op.line.value.data
    failed = converter.compare(status, converter.int(HOST_ERROR), "eq")
    located = converter.int(Status(HOST_ERROR, line).word)
    converter.check(converter.emit(llvm.SelectOp(failed, located, status)))


@llvm_rule(FunctionOp)
def _function(converter: Converter, op: FunctionOp) -> None:
    arguments = [converter.value(argument) for argument in op.arguments]
    result = convert_type(op.value.type)
    converter.bind(op.value, converter.result(op.symbol.data, result, arguments))


@llvm_rule(RoutineOp)
def _routine(converter: Converter, op: RoutineOp) -> None:
    """Call a routine on one thread, or on all where it is worth them."""
    pointers = [converter.pointer(buffer) for buffer in op.buffers]
    name = op.symbol.data
    large = op.large is not None
    if threads_address() is None or (large and not name.endswith("gemm")):
        converter.call(PREFIX + name, None, pointers)
        return
    threads = converter.result(THREADS, i32, [converter.int(1, 32)])
    if large:
        array = converter.pointer_array(pointers)
        converter.call(SPLIT + name, None, [array, threads])
    else:
        converter.call(PREFIX + name, None, pointers)
    several = converter.compare(threads, converter.int(1, 32), "sgt")
    restore, after = converter.new_block(), converter.new_block()
    converter.branch_if(several, restore, [], after, [])
    converter.block = restore
    converter.result(THREADS, i32, [threads])
    converter.branch(after)
    converter.block = after
