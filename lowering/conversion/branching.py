"""Conversion of outcome paths to calls of the native runtime."""

from itertools import dropwhile
from typing import NamedTuple

from xdsl.dialects import llvm
from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute, SSAValue

from qjit.dialects import quantum
from qjit.dialects.statevector import branching
from qjit.runtime.statevector.branching.path_tree import FIRST, SHOTS, WEIGHT

from .converter import Converter, llvm_rule, pointer_type
from .simulation import (
    NO_MEMORY,
    PathTree,
    simulation_of,
    state_of,
    symbol,
    wire_list,
)

# How many bytes of small states a tree of paths may keep, and what is large.
KEPT_BYTES = 1 << 28
LARGE_STATE = 1 << 24


@llvm_rule(branching.PathsBeginOp)
def _begin(converter: Converter, op: branching.PathsBeginOp) -> None:
    shots = 0 if op.shots is None else op.shots.value.data
    budget = converter.int(KEPT_BYTES)
    if state_bytes(op) >= LARGE_STATE:
        budget = converter.result("__qjit__memory_budget", i64, [])
    once = converter.int(int(op.once is not None))
    args = [converter.context, converter.int(shots), once, budget]
    address = converter.result("__qrt__paths_begin", pointer_type, args)
    converter.check_memory(address, NO_MEMORY)
    converter.circuit_state = PathTree(address)


def state_bytes(op: branching.PathsBeginOp) -> int:
    """Return the size of the states whose paths begin."""
    around = op.parent_op()
    assert around is not None
    following = dropwhile(lambda each: each is not op, around.walk())
    alloc = next(each for each in following if isinstance(each, quantum.AllocOp))
    amplitude = 8 if "single" in alloc.attributes else 16
    return amplitude << alloc.register.type.size.data


def _address(converter: Converter) -> SSAValue:
    found = simulation_of(converter).path_tree
    assert found is not None
    return found


def _own(converter: Converter, verb: str) -> str:
    """Return the symbol of what the shots of devices do by themselves."""
    is_device = simulation_of(converter).target.state == "device"
    return symbol(converter, verb) if is_device else f"__qrt__{verb}"


def _word(converter: Converter, number: int, kind: Attribute) -> SSAValue:
    place = converter.offset(_address(converter), number, kind)
    return converter.load(place, kind)


@llvm_rule(branching.PathWeightOp)
def _weight(converter: Converter, op: branching.PathWeightOp) -> None:
    converter.bind(op.weight, _word(converter, WEIGHT, f64))


class Rows(NamedTuple):
    """The rows of the shots that took the present path."""

    first: SSAValue
    end: SSAValue


def _rows_of(converter: Converter) -> Rows:
    end = converter.result("__qrt__paths_rows", i64, [_address(converter)])
    return Rows(_word(converter, FIRST, i64), end)


@llvm_rule(branching.PathRowsOp)
def _rows(converter: Converter, op: branching.PathRowsOp) -> None:
    rows = _rows_of(converter)
    converter.bind(op.first, rows.first)
    converter.bind(op.end, rows.end)


@llvm_rule(branching.NextPathOp)
def _next(converter: Converter, op: branching.NextPathOp) -> None:
    verb = _own(converter, "paths_next")
    more = converter.result(verb, i64, [_address(converter)])
    converter.bind(op.more, converter.emit(llvm.TruncOp(more, i1)))


@llvm_rule(branching.RowOrderOp)
def _order(converter: Converter, op: branching.RowOrderOp) -> None:
    shots = _word(converter, SHOTS, i64)
    args = [converter.context, shots, converter.pointer(op.destination)]
    converter.call("__qrt__shuffle", None, args)


@llvm_rule(branching.PathsEndOp)
def _end(converter: Converter, op: branching.PathsEndOp) -> None:
    args = [converter.context, _address(converter), converter.value(op.total)]
    converter.check(converter.result(_own(converter, "paths_end"), i64, args))
    converter.circuit_state = None


@llvm_rule(quantum.SampleOp)
def _sample(converter: Converter, op: quantum.SampleOp) -> None:
    """Sample all shots, or those of the present path into their rows."""
    wires = list(op.measured)
    target = converter.pointer(op.destination)
    shots = converter.int(op.shots.value.data)
    if simulation_of(converter).path_tree is not None:
        rows = _rows_of(converter)
        shots = converter.emit(llvm.SubOp(rows.end, rows.first))
        place = converter.emit(llvm.MulOp(rows.first, converter.int(len(wires))))
        target = converter.offset(target, place, i64)
    args = [
        converter.context,
        state_of(converter, op),
        shots,
        converter.int(len(wires)),
        wire_list(converter, wires),
        target,
    ]
    converter.check(converter.result(symbol(converter, "sample"), i64, args))


@llvm_rule(quantum.CountsOp)
def _counts(converter: Converter, op: quantum.CountsOp) -> None:
    wires = list(op.measured)
    args = [
        converter.context,
        state_of(converter, op),
        converter.int(op.shots.value.data),
        converter.int(len(wires)),
        wire_list(converter, wires),
        converter.pointer(op.destination),
    ]
    converter.check(converter.result(symbol(converter, "counts"), i64, args))
