"""The pass `vectorize-batches`: a batch is worked on several entries at a time.

The function of an entry becomes one of several: each operation is there once for every
entry, but gates, and the adjoint method, are done for all of them at once. The last
entries are repeated where there are not enough for the last call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.builder import Builder
from xdsl.context import Context
from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint

from qjit.dialects import gradient, host, quantum
from qjit.dialects.batch import ForEachOp, InLanesOp
from qjit.dialects.quantum.types import RegisterType
from qjit.dialects.statevector import ScheduleOp
from qjit.dialects.statevector.kernels import KernelAttr
from qjit.lowering.analysis.cost_model import CIRCUIT, SIMPLE, callee, trip_count
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.kernels.selection import (
    kernel_of,
    precision_of,
    schedule_of,
)
from qjit.runtime.settings import enabled
from qjit.runtime.target.cpu import Precision

# Entries of more qubits fill registers on their own.
MOST_QUBITS = 6
MOST_OPERATIONS = 1000  # in a function of several entries
AT_ONCE = (ScheduleOp, gradient.AdjointOp)
# What may be there for every entry: it reads or makes a state, and nothing else.
ALLOWED = (
    *AT_ONCE,
    *(quantum.AllocOp, quantum.DeallocOp, quantum.ExpvalOp, quantum.VarOp),
    *(quantum.ProbsOp, quantum.StateOp, gradient.TermValuesOp, host.FunctionOp),
)
# What is the same for all entries if what it is made of is.
PURE = ("arith", "math", "complex")
VIEWS = (memref.GetGlobalOp, memref.ReinterpretCastOp)
index = IndexType()


class VectorizeBatchesPass(ModulePass):
    """Work on as many entries of a batch at a time as a register has lanes."""

    name = "vectorize-batches"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite a module."""
        put_vectorize_batches(op)


def put_vectorize_batches(module: ModuleOp) -> None:
    """Rewrite the batches of a module that gain from it."""
    if not enabled("lanes"):
        return
    batches = [op for op in module.walk() if isinstance(op, ForEachOp)]
    for function, (batch, *others) in _by_function(batches).items():
        if not others:
            _rewrite(batch, function)


def _by_function(batches: Iterable[ForEachOp]) -> dict[FuncOp, list[ForEachOp]]:
    found: dict[FuncOp, list[ForEachOp]] = {}
    for batch in batches:
        function = callee(batch)
        if function is not None:
            found.setdefault(function, []).append(batch)
    return found


class _IneligibleError(Exception):
    """Entries stay apart."""


def _rewrite(batch: ForEachOp, function: FuncOp) -> None:
    operations = list(function.body.walk())
    precision = _precision(operations)
    count = trip_count(batch)
    if precision is None or (count is not None and count < precision.lanes):
        return
    try:
        several = _Several(precision).function(function)
    except _IneligibleError:
        return
    module = function.parent
    assert module is not None
    module.insert_op_before(several, function)
    _call(batch, count, several, precision.lanes)
    function.detach()
    function.erase()


def _precision(operations: Iterable[Operation]) -> Precision | None:
    """The precision of all states of a function, if they are small."""
    states = [op for op in operations if isinstance(op, quantum.AllocOp)]
    if not all(target_of(state).kernels for state in states):
        return None
    precisions = set(map(precision_of, states))
    if len(precisions) != 1 or any(map(_is_large, states)):
        return None
    return precisions.pop()


def _is_large(op: quantum.AllocOp) -> bool:
    assert isinstance(op.register.type, RegisterType)
    return op.register.type.size.data > MOST_QUBITS


def _call(batch: ForEachOp, count: int | None, several: FuncOp, lanes: int) -> None:
    """Call the function of several entries for every group of them."""
    builder = Builder(InsertPoint.before(batch))
    if count is not None:
        groups = _constant(builder, -(-count // lanes))
    else:
        width, more = (_constant(builder, number) for number in (lanes, lanes - 1))
        raised = builder.insert(arith.AddiOp(batch.count, more)).result
        groups = builder.insert(arith.DivUIOp(raised, width)).result
    given = [*batch.arguments, batch.count]
    builder.insert(ForEachOp(several.sym_name.data, given, groups))
    batch.detach()
    batch.erase()


def _constant(builder: Builder, number: int) -> SSAValue:
    return builder.insert(arith.ConstantOp(IntegerAttr(number, index))).result


class _Several:
    """Makes the function of several entries from that of one.

    There is a value for each entry, which is the same one where entries do not differ.
    """

    def __init__(self, precision: Precision) -> None:
        self.precision, self.lanes = precision, range(precision.lanes)
        self.found: list[dict[SSAValue, SSAValue]] = [{} for _ in self.lanes]
        self.left = MOST_OPERATIONS

    def function(self, one: FuncOp) -> FuncOp:
        """Return the function, which takes how many entries there are, and a group."""
        *given, place = one.body.block.args
        types = [each.type for each in given]
        block = Block(arg_types=[*types, index, index])
        *arguments, count, group = block.args
        for argument, value in zip(given, arguments, strict=True):
            self._set(argument, [value] * len(self.lanes))
        builder = Builder(InsertPoint.at_end(block))
        first = arith.MuliOp(group, _constant(builder, len(self.lanes)))
        last = arith.SubiOp(count, _constant(builder, 1))
        builder.insert(first)
        builder.insert(last)
        numbers: list[SSAValue] = []
        for lane in self.lanes:
            number = arith.AddiOp(first.result, _constant(builder, lane))
            builder.insert(number)
            least = builder.insert(arith.MinSIOp(number.result, last.result))
            numbers.append(least.result)
        self._set(place, numbers)
        self._block(builder, one.body.block)
        name = f"{one.sym_name.data}_in_lanes"
        return FuncOp(name, ([*types, index, index], []), Region(block), "private")

    def _set(self, value: SSAValue, found: Sequence[SSAValue]) -> None:
        for values, each in zip(self.found, found, strict=True):
            values[value] = each

    def _each(self, value: SSAValue) -> list[SSAValue]:
        """What a value is for every entry."""
        return [values.get(value, value) for values in self.found]

    def _is_same(self, value: SSAValue) -> bool:
        return len(set(self._each(value))) == 1

    def _block(self, builder: Builder, block: Block) -> None:
        for op in block.ops:
            circuit = [inner for inner in op.walk() if _is_circuit(inner)]
            if isinstance(op, scf.YieldOp):
                given = [each for value in op.operands for each in self._each(value)]
                builder.insert(scf.YieldOp(*given))
            elif isinstance(op, AT_ONCE):
                builder.insert(InLanesOp(self._clones(op)))
            elif isinstance(op, scf.ForOp) and circuit:
                self._loop(builder, op)
            elif circuit and circuit != [op]:
                raise _IneligibleError
            elif self._is_shared(op):
                clone = builder.insert(op.clone(self.found[0]))
                for result, value in zip(op.results, clone.results, strict=True):
                    self._set(result, [value] * len(self.lanes))
            else:
                for clone in self._clones(op):
                    builder.insert(clone)

    def _clones(self, op: Operation) -> list[Operation]:
        """Return an operation for each entry, after it was planned."""
        inside = list(op.walk())
        self.left -= len(inside) * len(self.lanes)
        if self.left < 0 or not all(map(_is_allowed, inside)):
            raise _IneligibleError
        clones = [op.clone(values) for values in self.found]
        if isinstance(op, ScheduleOp):
            kernel = self._kernel(op)
            for clone in clones:
                clone.properties["kernel"] = kernel
        return clones

    def _kernel(self, op: ScheduleOp) -> KernelAttr:
        """Return the kernel of a run for several entries."""
        assert isinstance(op.register.type, RegisterType)
        given = op.register.type.size.data, self.precision
        run = schedule_of(op, *given, batched=True)
        if run is None:
            raise _IneligibleError
        return kernel_of(run)

    def _is_shared(self, op: Operation) -> bool:
        """Tell whether an operation need be there only once."""
        pure = op.name.partition(".")[0] in PURE or isinstance(op, (*VIEWS, ReturnOp))
        return pure and all(map(self._is_same, op.operands))

    def _loop(self, builder: Builder, op: scf.ForOp) -> None:
        """Repeat a loop that has part of a circuit, and turns equally often for all."""
        bounds = (op.lb, op.ub, op.step)
        if not all(map(self._is_same, bounds)):
            raise _IneligibleError
        number, *carried = op.body.block.args
        types = [each.type for each in carried for _ in self.lanes]
        block = Block(arg_types=[number.type, *types])
        self._set(number, [block.args[0]] * len(self.lanes))
        self._spread(carried, block.args[1:])
        inner = Builder(InsertPoint.at_end(block))
        initial = [value for each in op.iter_args for value in self._each(each)]
        self._block(inner, op.body.block)
        low, high, step = (self._each(bound)[0] for bound in bounds)
        loop = builder.insert(scf.ForOp(low, high, step, initial, Region(block)))
        self._spread(op.results, loop.results)

    def _spread(self, values: Sequence[SSAValue], found: Sequence[SSAValue]) -> None:
        """Let values be others, of which each has as many as there are entries."""
        width = len(self.lanes)
        for place, value in enumerate(values):
            self._set(value, found[place * width :][:width])


def _is_allowed(op: Operation) -> bool:
    """Tell whether an operation may be there for every entry."""
    return isinstance(op, ALLOWED) or op.name.partition(".")[0] in SIMPLE


def _is_circuit(op: Operation) -> bool:
    return op.name.partition(".")[0] in CIRCUIT
