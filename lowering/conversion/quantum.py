"""Conversion of circuits to calls of the native runtime."""

from collections.abc import Sequence
from typing import Any, TypeGuard

import numpy as np
from xdsl.dialects import func, llvm
from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntegerAttr,
    IntegerType,
    MemRefType,
    f64,
    i1,
    i32,
    i64,
)
from xdsl.ir import SSAValue

from qjit.dialects import gradient, quantum
from qjit.dialects.quantum.types import RegisterType
from qjit.dialects.statevector import dialect
from qjit.dialects.statevector.schedule import COMPUTED, CONSTANT, DYNAMIC, Entry
from qjit.dialects.targets import Target
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.kernels.selection import ADJOINT_SUFFIX, kernel_op, precision_of
from qjit.lowering.native.device_tables import device_symbol
from qjit.lowering.native.memory_limits import LARGE
from qjit.runtime.abi.layout import (
    CHECKPOINT,
    COMPOSED_FROM,
    ENTRY_WORDS,
    PREPARE,
    UNITARY,
)
from qjit.runtime.abi.status import (
    DEVICE_FAILED,
    ITERATION_SHIFT,
    MOST_ITERATIONS,
    NO_MEMORY,
    PLACE_SHIFT,
    Status,
    state_place,
)

from .converter import ARGUMENT_RULES, TYPE_RULES, Converter, llvm_rule, pointer_type
from .simulation import (
    PathTree,
    Simulation,
    amplitudes_of,
    readout_symbol,
    refuse_large,
    simulation_of,
    state_of,
    symbol,
    wire_list,
)

TYPE_RULES[RegisterType] = lambda _: pointer_type


def _line(op: Any) -> int:
    return 0 if op.line is None else op.line.value.data


def _line_of(op: quantum.AllocOp) -> int:
    line = op.attributes.get("line")
    return line.value.data if isinstance(line, IntegerAttr) else 0


def _status(
    converter: Converter, verb: str, args: Sequence[SSAValue], *, moving: bool = False
) -> None:
    """Call the runtime; errors of `moving` operations name the loop's iteration."""
    found = converter.result(symbol(converter, verb), i64, args)
    if moving and converter.iteration is not None:
        found = _in_iteration(converter, found, converter.iteration)
    converter.check(found)


def _in_iteration(
    converter: Converter, status: SSAValue, iteration: SSAValue
) -> SSAValue:
    args = [iteration, converter.int(MOST_ITERATIONS - 1)]
    known = converter.intrinsic("llvm.umin.i64", i64, args)
    counted = converter.emit(llvm.AddOp(known, converter.int(1)))
    shift = converter.int(PLACE_SHIFT + ITERATION_SHIFT)
    place = converter.emit(llvm.ShlOp(counted, shift))
    failed = converter.compare(status, converter.int(0), "ne")
    wide = converter.emit(llvm.ZExtOp(failed, i64))
    if simulation_of(converter).target.state == "device":
        # The place of a failure of devices has no room for the iteration.
        codes = converter.int((1 << PLACE_SHIFT) - 1)
        code = converter.emit(llvm.AndOp(status, codes))
        named = converter.compare(code, converter.int(DEVICE_FAILED), "ne")
        wide = converter.emit(llvm.AndOp(wide, converter.emit(llvm.ZExtOp(named, i64))))
    named = converter.emit(llvm.MulOp(wide, place))
    return converter.emit(llvm.OrOp(status, named))


def live_states(op: quantum.AllocOp) -> int:
    """Return how many states of its size a circuit needs at once."""
    function = op.parent_op()
    others = [] if function is None else list(function.walk())
    observables = (quantum.ExpvalOp, quantum.VarOp, gradient.AdjointOp)
    has_bra = any(isinstance(o, quantum.VarOp | gradient.AdjointOp) for o in others)
    has_factors = any(isinstance(o, observables) and len(o.matrices) for o in others)
    return 1 + has_bra + has_factors


@llvm_rule(quantum.AllocOp)
def _alloc(converter: Converter, op: quantum.AllocOp) -> None:
    assert isinstance(op.register.type, RegisterType)
    num_wires = op.register.type.size.data
    precision = precision_of(op)
    tree = converter.circuit_state.address if _follows_paths(converter) else None
    context = converter.context
    target = target_of(op)
    each = target.bytes_per_amplitude * precision.real_bytes // 8
    size = live_states(op) * each
    line = _line_of(op)
    place = state_place(num_wires, size, line)
    refusal = Status(NO_MEMORY, place).word
    simulation = Simulation(
        precision, num_wires, target, path_tree=tree, refusal=refusal
    )
    converter.circuit_state = simulation
    if size and size << num_wires >= LARGE:
        refuse_large(converter, place)
    if target.state == "device":
        state = _new_device(converter, target, num_wires, line)
    else:
        verb, given = ("state_new", []) if tree is None else ("paths_state", [tree])
        args = [context, *given, converter.int(num_wires)]
        state = converter.result(symbol(converter, verb), pointer_type, args)
        converter.check_memory(state, refusal)
    if "recorded" in op.attributes:
        simulation.tape = converter.result("__qrt__tape_new", pointer_type, [context])
    converter.bind(op.register, state)


def _new_device(
    converter: Converter, target: Target, num_wires: int, line: int
) -> SSAValue:
    """Return a device of another library, of which linking knows by its symbol."""
    descriptor = device_symbol(target.options)
    converter.declare(descriptor, None, [])
    out = converter.stack(8)
    args = [
        converter.context,
        converter.emit(llvm.AddressOfOp(descriptor, pointer_type)),
        converter.int(num_wires),
        converter.int(line),
        simulation_of(converter).path_tree or converter.null(),
        out,
    ]
    _status(converter, "state_new", args)
    return converter.load(out, pointer_type)


def _given(converter: Converter, function: func.FuncOp, register: SSAValue) -> None:
    """Begin a function with gates."""
    assert isinstance(register.type, RegisterType)
    precision = precision_of(function)
    size = register.type.size.data
    converter.circuit_state = Simulation(precision, size, target_of(function))


ARGUMENT_RULES[RegisterType] = _given


def _follows_paths(converter: Converter) -> TypeGuard[Any]:
    return isinstance(converter.circuit_state, PathTree)


def state_like(converter: Converter, verb: str, state: SSAValue) -> SSAValue:
    """Return a state that the runtime makes as large as another, if it fits."""
    args = [converter.context, state]
    made = converter.result(readout_symbol(converter, verb), pointer_type, args)
    converter.check_memory(made, simulation_of(converter).refusal)
    return made


@llvm_rule(quantum.DeallocOp)
def _dealloc(converter: Converter, op: quantum.DeallocOp) -> None:
    args = [converter.context, state_of(converter, op)]
    if simulation_of(converter).target.state == "device":
        _status(converter, "state_free", args)
    else:
        converter.call(symbol(converter, "state_free"), None, args)


@llvm_rule(dialect.ScheduleOp)
def _run(converter: Converter, op: dialect.ScheduleOp) -> None:
    given = _given_to(converter, op)
    kernel = None if op.kernel is None else _kernel(converter, op)
    if kernel is not None:
        converter.check(converter.result(kernel, i64, given))
    if op.slots is not None or kernel is None:
        _run_or_record(converter, op, given, kernel)


def _kernel(
    converter: Converter, op: dialect.ScheduleOp, *, batched: bool = False
) -> str:
    """Return the symbol of a run's kernel, which the module then has."""
    precision = simulation_of(converter).precision
    kernel = kernel_op(op, precision, batched=batched)
    converter.define(kernel.symbol.data, kernel)
    return kernel.symbol.data


def run_in_lanes(converter: Converter, runs: Sequence[dialect.ScheduleOp]) -> None:
    """Run the same gates for some entries of a batch at once, by code of their own."""
    each = [_given_to(converter, run) for run in runs]
    states, entries, wires, params = zip(*each, strict=True)
    tables = (converter.pointer_array(column) for column in (states, params))
    args = [next(tables), entries[0], wires[0], next(tables)]
    kernel = _kernel(converter, runs[0], batched=True)
    converter.check(converter.result(kernel, i64, args))
    for run, given in zip(runs, each, strict=True):
        if run.slots is not None:
            _run_or_record(converter, run, given, kernel)


def _given_to(converter: Converter, op: dialect.ScheduleOp) -> list[SSAValue]:
    """Return the addresses of the state, the schedule, its wires and parameters."""
    entries = np.asarray(op.entries.get_values(), np.int32)
    table, wires = converter.global_data(entries), _wire_table(converter, op)
    return [state_of(converter, op), table, wires, _parameters(converter, op)]


def _run_or_record(
    converter: Converter,
    op: dialect.ScheduleOp,
    given: Sequence[SSAValue],
    kernel: str | None,
) -> None:
    """Let the runtime run gates, or only record them where a kernel runs them."""
    recorded, simulation = op.slots is not None, simulation_of(converter)
    slots = _slots(converter, op, op.slots) if op.slots else converter.null()
    tape = simulation.tape if recorded else converter.null()
    assert tape is not None
    state, entries, wires, params = given
    count = converter.int(len(op.entries.get_values()) // ENTRY_WORDS)
    args = [state, entries, count, wires, params, slots, tape]
    is_large = simulation.target.kernels and simulation.num_wires >= COMPOSED_FROM
    verb = "run_large" if is_large else "run"
    if kernel is not None:
        verb, args = (
            "record_run",
            [*args, _function(converter, kernel + ADJOINT_SUFFIX)],
        )
    _status(converter, verb, args, moving=len(op.dynamic_wires) > 0)


def _function(converter: Converter, symbol: str) -> SSAValue:
    """Return the address of a function that undoes a run."""
    converter.declare(symbol, None, [pointer_type] * 4)
    return converter.emit(llvm.AddressOfOp(symbol, pointer_type))


def _slots(
    converter: Converter, op: dialect.ScheduleOp, table: DenseArrayBase[IntegerType]
) -> SSAValue:
    """Return the address of the slots, moved by their shifts."""
    slots, shifts = _pairs(table.get_values())
    if not len(op.shifts):
        return converter.global_data(slots)
    memory = converter.workspace(max(slots.nbytes, 4))
    _copy(converter, memory, slots)
    for number, shift in enumerate(op.shifts):
        places = np.flatnonzero(shifts == number).astype(np.int32)
        args = [memory, converter.global_data(places), converter.int(len(places))]
        converter.call("__qrt__shift", None, [*args, converter.value(shift)])
    return memory


def _pairs(words: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    table = np.asarray(words, np.int32).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def _copy(converter: Converter, memory: SSAValue, data: np.ndarray) -> None:
    args = [memory, converter.global_data(data), converter.int(data.nbytes)]
    converter.call("memcpy", pointer_type, args)


def _parameters(converter: Converter, op: dialect.ScheduleOp) -> SSAValue:
    """Return the address of the scalars and matrices."""
    sources, indices = _pairs(op.origins.get_values())
    sizes = [2 * _elements(matrix) for matrix in op.matrices]
    count = len(sources) + sum(sizes)
    if not count:
        return converter.null()
    if _stand_together(op, sources, indices):
        first = converter.pointer(op.sources[0])
        return converter.offset(first, int(indices[0]), f64)
    is_constant = sources == CONSTANT
    image = np.zeros(len(sources))
    image[is_constant] = np.asarray(op.constants.get_values())[indices[is_constant]]
    if is_constant.all() and not sizes:
        return converter.global_data(image)
    memory = converter.workspace(count * 8)
    if is_constant.any():
        _copy(converter, memory, image)
    for place in np.flatnonzero(sources == COMPUTED).tolist():
        value = converter.value(op.computed[int(indices[place])])
        converter.store(value, converter.offset(memory, place, f64))
    for number, buffer in enumerate(op.sources):
        places = np.flatnonzero(sources == number)
        _gather(converter, memory, buffer, np.stack([indices[places], places], 1))
    place = len(sources)
    for matrix, size in zip(op.matrices, sizes, strict=True):
        target = converter.offset(memory, place, f64)
        args = [target, converter.pointer(matrix), converter.int(size * 8)]
        converter.call("memcpy", pointer_type, args)
        place += size
    return memory


def _stand_together(
    op: dialect.ScheduleOp, sources: np.ndarray, indices: np.ndarray
) -> bool:
    """Tell whether all parameters are doubles one after another in one buffer."""
    if len(op.matrices) or len(op.sources) != 1 or sources.any():
        return False
    buffer = op.sources[0].type
    assert isinstance(buffer, MemRefType)
    return buffer.element_type == f64 and bool((np.diff(indices) == 1).all())


def _gather(
    converter: Converter, memory: SSAValue, buffer: SSAValue, moves: np.ndarray
) -> None:
    """Copy elements of a buffer of floats to their places among the parameters."""
    assert isinstance(buffer.type, MemRefType)
    width = "f64" if buffer.type.element_type == f64 else "f32"
    table = converter.global_data(moves.astype(np.int32))
    args = [memory, converter.pointer(buffer), table, converter.int(len(moves))]
    converter.call(f"__qrt__gather_{width}", None, args)


def _elements(buffer: SSAValue) -> int:
    assert isinstance(buffer.type, MemRefType)
    return int(np.prod(buffer.type.get_shape(), dtype=np.int64))


def _wire_table(converter: Converter, op: dialect.ScheduleOp) -> SSAValue:
    table = np.asarray(op.wires.get_values(), np.int32)
    if not len(op.dynamic_wires):
        return converter.global_data(table)
    memory = converter.workspace(max(table.nbytes, 4))
    _copy(converter, memory, table)
    places = np.flatnonzero(table == DYNAMIC)
    for place, wire in zip(places.tolist(), op.dynamic_wires, strict=True):
        narrow = converter.emit(llvm.TruncOp(_clamped(converter, wire), i32))
        converter.store(narrow, converter.offset(memory, place, i32))
    return memory


def _clamped(converter: Converter, wire: SSAValue) -> SSAValue:
    """Keep a wire that is out of range so when it is narrowed."""
    value = converter.value(wire)
    args = [value, converter.int(-1)]
    low = converter.intrinsic("llvm.smax.i64", i64, args)
    return converter.intrinsic("llvm.smin.i64", i64, [low, converter.int(1 << 20)])


@llvm_rule(dialect.MeasureOp)
def _measure(converter: Converter, op: dialect.MeasureOp) -> None:
    if op.wire is not None:
        wire = converter.int(op.wire.value.data, 32)
    else:
        assert op.dynamic_wire is not None
        wide = _clamped(converter, op.dynamic_wire)
        wire = converter.emit(llvm.TruncOp(wide, i32))
    outcome = converter.stack(i32)
    postselect = -1 if op.postselect is None else op.postselect.value.data
    args = [
        converter.context,
        state_of(converter, op),
        wire,
        converter.int(postselect),
        converter.int(int(op.reset is not None)),
        converter.int(_line(op)),
        outcome,
        simulation_of(converter).path_tree or converter.null(),
    ]
    _status(converter, "measure", args, moving=op.dynamic_wire is not None)
    found = converter.emit(llvm.TruncOp(converter.load(outcome, i32), i1))
    converter.bind(op.outcome, found)


@llvm_rule(dialect.SeedOp)
def _seed(converter: Converter, op: dialect.SeedOp) -> None:
    args = [converter.context, converter.value(op.key)]
    converter.call("__qrt__context_seed", None, args)


@llvm_rule(dialect.ExecutionKeyOp)
def _execution_key(converter: Converter, op: dialect.ExecutionKeyOp) -> None:
    seed = 0 if op.seed is None else op.seed.value.data
    has_seed = int(op.seed is not None)
    args = [converter.context, converter.int(seed), converter.int(has_seed)]
    converter.bind(op.key, converter.result("__qrt__execution_key", i64, args))


@llvm_rule(quantum.StatePrepOp)
def _state_prep(converter: Converter, op: quantum.StatePrepOp) -> None:
    assert op.wires is not None
    wires = op.wires.get_values()
    args = [
        state_of(converter, op),
        converter.int(len(wires)),
        wire_list(converter, wires),
        converter.pointer(op.amplitudes),
        converter.int(int(op.unchecked is None)),
        converter.int(_line(op)),
    ]
    _status(converter, "state_prep", args)
    if simulation_of(converter).tape is not None:
        _record_preparation(converter, op, len(wires))
    converter.bind(op.out_register, state_of(converter, op))


def _record_preparation(
    converter: Converter, op: quantum.StatePrepOp, count: int
) -> None:
    """Put a state preparation on the tape of the adjoint method."""
    assert op.wires is not None
    tape = simulation_of(converter).tape
    assert tape is not None
    doubles = 2 << count
    entry = Entry(PREPARE, UNITARY, doubles, count, 0, 0, 0, 0, 0)
    slots = converter.null()
    if op.slot is not None:
        slots = converter.workspace(4 * doubles)
        places = np.arange(doubles, dtype=np.int32)
        _copy(converter, slots, places)
        args = [slots, converter.global_data(places), converter.int(doubles)]
        converter.call("__qrt__shift", None, [*args, converter.value(op.slot)])
    args = [
        tape,
        converter.global_data(np.asarray(entry.words(), np.int32)),
        converter.int(1),
        wire_list(converter, op.wires.get_values()),
        converter.pointer(op.amplitudes),
        slots,
        converter.null(),
    ]
    _status(converter, "record", args)


@llvm_rule(gradient.CheckpointOp)
def _checkpoint(converter: Converter, op: gradient.CheckpointOp) -> None:
    tape = simulation_of(converter).tape
    assert tape is not None
    # As many parameters as it keeps: pointers to the context and the copy.
    entry = Entry(CHECKPOINT, UNITARY, 2, 0, 0, 0, 0, 0, 0)
    words = converter.global_data(np.asarray(entry.words(), np.int32))
    args = [converter.context, state_of(converter, op), tape, words]
    _status(converter, "checkpoint", args)


@llvm_rule(quantum.ProbsOp)
def _probs(converter: Converter, op: quantum.ProbsOp) -> None:
    _read_out(converter, op, "probs")


@llvm_rule(quantum.DensityMatrixOp)
def _density_matrix(converter: Converter, op: quantum.DensityMatrixOp) -> None:
    _read_out(converter, op, "density_matrix")


def _read_out(converter: Converter, op: Any, verb: str) -> None:
    wires = list(op.measured)
    args = [
        amplitudes_of(converter, op),
        converter.int(len(wires)),
        wire_list(converter, wires),
        converter.pointer(op.destination),
    ]
    converter.check(converter.result(readout_symbol(converter, verb), i64, args))


@llvm_rule(quantum.StateOp)
def _amplitudes(converter: Converter, op: quantum.StateOp) -> None:
    args = [amplitudes_of(converter, op), converter.pointer(op.destination)]
    converter.call(readout_symbol(converter, "amplitudes"), None, args)
