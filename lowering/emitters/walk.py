"""The walk over a circuit that emits it: what is known is computed on the way.

Operations on known values have their values in numpy; only what outcomes of
measurements decide is left to the language (partial evaluation: N. D. Jones,
C. K. Gomard and P. Sestoft, 1993). Loops over known numbers come out unrolled, unless
the language counts itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp, i1
from xdsl.interpreter import Interpreter
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import InterpretationError

from qjit.dialects import host, quantum
from qjit.dialects.gates import GATES
from qjit.dialects.quantum.types import BitType, RegisterType

from .emitter import AppliedGate, EmissionError, Emitter, Wire
from .loop_values import constant_values, counting_values, tested_values
from .values import Expression, Table, is_known, of_outcome, table, tabulated, whole

# More operations than any device takes: a loop that has no end comes to this.
MOST_OPERATIONS = 1_000_000
Values = Sequence[Any]
Rule = Callable[["Walk", Any, Values], Values]
RULES: dict[type[Operation], Rule] = {}


def rule(*kinds: type[Operation]) -> Callable[[Rule], Rule]:
    """Say what is emitted of a kind of operation."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(kinds, function))
        return function

    return register


@dataclass
class Walk:
    """One walk over the function of a module, which an emitter writes down."""

    module: ModuleOp
    emitter: Emitter
    interpreter: Interpreter
    values: dict[SSAValue, Any] = field(default_factory=dict[SSAValue, Any])
    num_qubits: int = 0
    depth: int = 0
    """How many branches and loops that outcomes decide are around."""
    owners: dict[int, int] = field(default_factory=dict[int, int])
    """How deep arrays were made, by the identity of their memory."""
    steps: int = 0

    def call(self, name: str, arguments: Values) -> Values:
        """Emit a function, and return what it returns."""
        function = next(
            op
            for op in self.module.ops
            if isinstance(op, func.FuncOp) and op.sym_name.data == name
        )
        return self.region(function.body, arguments)[1]

    def region(self, region: Region, arguments: Values) -> tuple[Operation, Values]:
        """Emit a region of one block; return what ends it, and its operands."""
        return self.block(region.block, arguments)

    def block(self, block: Block, arguments: Values) -> tuple[Operation, Values]:
        """Emit a block."""
        self.values.update(zip(block.args, arguments, strict=True))
        for op in block.ops:
            operands = [self.values[operand] for operand in op.operands]
            if op is block.last_op:
                return op, operands
            try:
                results = self.step(op, operands)
            except EmissionError as error:
                error.op = error.op or op
                raise
            self.values.update(zip(op.results, results, strict=True))
        raise EmissionError("a block without an end")

    def step(self, op: Operation, operands: Values) -> Values:
        """Emit or compute one operation."""
        self.steps += 1
        if self.steps > MOST_OPERATIONS:
            raise EmissionError(f"more than {MOST_OPERATIONS:,} operations", op)
        known = RULES.get(type(op))
        if known is not None:
            return known(self, op, operands)
        if all(map(is_known, operands)):
            return self.evaluate(op, operands)
        if op.regions or not op.results:
            raise EmissionError(f"'{op.name}' of what outcomes decide", op)
        found = tabulated(lambda *each: self.evaluate(op, each)[0], operands)
        if found is not None:
            return [found]
        given = [
            self.whole(value, operand.type)
            for value, operand in zip(operands, op.operands, strict=True)
        ]
        return [self.emitter.operation(op, given)]

    def evaluate(self, op: Operation, operands: Values) -> Values:
        """Compute an operation of known values."""
        try:
            return self.interpreter.run_op(op, tuple(operands))
        except InterpretationError as error:
            raise EmissionError(f"'{op.name}' ({error})", op) from error

    def whole(self, value: Any, kind: Attribute) -> Any:
        """Return a value without tables: a number, or an expression of a type."""
        return whole(value, kind, self.emitter.select)

    def within(self, function: Callable[[], Any]) -> Any:
        """Emit what outcomes decide whether it is done."""
        self.depth += 1
        try:
            return function()
        finally:
            self.depth -= 1


def restore(walk: Walk, held: Any, wanted: Any) -> None:
    """Swap qubits until a register, or a qubit, is on the wires that it was on."""
    wires = [*held] if isinstance(held, tuple) else [held]
    goal = [*wanted] if isinstance(wanted, tuple) else [wanted]
    for place, wire in enumerate(goal):
        if wires[place] != wire:
            other = wires[place]
            walk.emitter.gate(AppliedGate("SWAP", (), (other, wire)))
            wires = [wire if w == other else other if w == wire else w for w in wires]


def is_qubits(kind: Attribute) -> bool:
    """Tell whether values of a type are qubits."""
    return isinstance(kind, BitType | RegisterType)


# Qubits


@rule(quantum.AllocOp)
def _alloc(walk: Walk, op: quantum.AllocOp, _: Values) -> Values:
    kind = op.register.type
    assert isinstance(kind, RegisterType)
    first = walk.num_qubits
    walk.emitter.allocate(kind.size.data)
    walk.num_qubits += kind.size.data
    return [tuple(range(first, walk.num_qubits))]


@rule(quantum.DeallocOp)
def _dealloc(walk: Walk, op: Operation, operands: Values) -> Values:
    return []


def _wire(op: Operation, register: tuple[Wire, ...], place: Any) -> Wire:
    """Return the wire of a place in a register."""
    if is_known(place):
        number = int(place)
        if not 0 <= number < len(register):
            raise EmissionError(f"wire {number} of {len(register)}", op)
        return register[number]
    if isinstance(place, Expression) and register == tuple(range(len(register))):
        return place
    raise EmissionError("a wire that outcomes decide", op)


def _place(op: quantum.ExtractOp | quantum.InsertOp, index: Values) -> Any:
    """Return the place in a register that an operation is on."""
    return op.index.value.data if op.index is not None else index[0]


@rule(quantum.ExtractOp)
def _extract(walk: Walk, op: quantum.ExtractOp, operands: Values) -> Values:
    register, *index = operands
    return [_wire(op, register, _place(op, index))]


@rule(quantum.InsertOp)
def _insert(walk: Walk, op: quantum.InsertOp, operands: Values) -> Values:
    register, *index = operands[: 2 if op.dynamic_index else 1]
    wire = walk.values[op.qubit]
    place = _place(op, index)
    if isinstance(place, Expression):
        if wire is not place and wire.code != place.code:
            raise EmissionError("a wire that outcomes decide", op)
        return [register]
    return [(*register[:place], wire, *register[place + 1 :])]


@rule(quantum.GateOp)
def _gate(walk: Walk, op: quantum.GateOp, _: Values) -> Values:
    read = walk.values.__getitem__
    gate = AppliedGate(
        op.gate.data,
        tuple(map(read, op.params)),
        tuple(map(read, op.targets)),
        tuple(map(read, op.controls)),
        op.control_pattern,
        op.adjoint is not None,
        {k: v for k, v in op.static.items() if k != "num_targets"},
    )
    _apply(walk, gate)
    return [*gate.targets, *gate.controls]


def _apply(walk: Walk, gate: AppliedGate) -> None:
    """Write a gate; where outcomes choose its angles, once for each of them."""
    chosen = next((p for p in gate.params if isinstance(p, Table)), None)
    if chosen is None:
        walk.emitter.gate(gate)
        return
    outcome = chosen.outcomes[0]

    def side(bit: int) -> Callable[[], None]:
        def write() -> None:
            params = tuple(
                p.given(bit) if isinstance(p, Table) and p.outcomes[0] is outcome else p
                for p in gate.params
            )
            if not GATES[gate.name].additive or params != (0,):
                _apply(walk, replace(gate, params=params))

        return write

    _require(walk, "has_branches", "a gate that outcomes decide", None)
    walk.within(lambda: walk.emitter.branch(outcome, side(1), side(0), lambda: []))


@rule(quantum.UnitaryOp, quantum.StatePrepOp, quantum.PauliMeasureOp)
def _not_emitted(walk: Walk, op: Operation, _: Values) -> Values:
    raise EmissionError(f"'{op.name.removeprefix('quantum.')}'", op)


@rule(host.CallOp)
def _called(walk: Walk, op: host.CallOp, _: Values) -> Values:
    raise EmissionError("a call of a Python function", op)


@rule(quantum.ResourcesOp)
def _read_at_the_end(walk: Walk, op: quantum.ResourcesOp, _: Values) -> Values:
    return ()


@rule(quantum.MeasureOp)
def _measure(walk: Walk, op: quantum.MeasureOp, operands: Values) -> Values:
    if op.postselect is not None:
        raise EmissionError("a postselection", op)
    outcome = walk.emitter.measure(operands[0])
    if op.reset is not None:
        walk.emitter.reset(operands[0])
    return [of_outcome(outcome), operands[0]]


@rule(quantum.ResetOp)
def _reset(walk: Walk, op: quantum.ResetOp, operands: Values) -> Values:
    walk.emitter.reset(operands[0])
    return operands


@rule(quantum.BarrierOp)
def _barrier(walk: Walk, op: quantum.BarrierOp, operands: Values) -> Values:
    walk.emitter.barrier(operands)
    return operands


@rule(quantum.DelayOp)
def _delay(walk: Walk, op: quantum.DelayOp, operands: Values) -> Values:
    walk.emitter.delay(op.seconds, operands)
    return operands


# Arrays: their elements may be anything, and belong to the branch that makes them.


@rule(memref.AllocOp, memref.AllocaOp)
def _array(walk: Walk, op: memref.AllocOp, _: Values) -> Values:
    kind = op.memref.type
    assert isinstance(kind, MemRefType)
    found = np.zeros(kind.get_shape(), object)
    walk.owners[id(found)] = walk.depth
    return [found]


@rule(memref.LoadOp)
def _load(walk: Walk, op: memref.LoadOp, operands: Values) -> Values:
    array, *indices = operands
    if not all(map(is_known, indices)):
        found = tabulated(lambda *places: array[places], indices)
        if found is None or not all(map(is_known, getattr(found, "numbers", ()))):
            raise EmissionError("a place in an array that outcomes decide", op)
        return [found]
    found = array[tuple(map(int, indices))]
    return [found.item() if isinstance(found, np.generic) else found]


@rule(memref.StoreOp)
def _store(walk: Walk, op: memref.StoreOp, operands: Values) -> Values:
    value, array, *indices = operands
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    if walk.owners.get(id(base), 0) < walk.depth or not all(map(is_known, indices)):
        raise EmissionError("an array that outcomes change", op)
    array[tuple(map(int, indices))] = value
    return []


@rule(memref.DeallocOp)
def _free(walk: Walk, op: Operation, _: Values) -> Values:
    return []


# Control flow


def _require(walk: Walk, ability: str, what: str, op: Operation | None) -> None:
    if not getattr(walk.emitter, ability):
        raise EmissionError(what, op)


@rule(func.CallOp)
def _call(walk: Walk, op: func.CallOp, operands: Values) -> Values:
    return walk.call(op.callee.string_value(), operands)


@rule(scf.IfOp)
def _if(walk: Walk, op: scf.IfOp, operands: Values) -> Values:
    return _choose(walk, op, operands[0], {1: op.true_region, 0: op.false_region})


@rule(scf.IndexSwitchOp)
def _switch(walk: Walk, op: scf.IndexSwitchOp, operands: Values) -> Values:
    regions = dict(zip(op.cases.get_values(), op.case_regions, strict=True))
    return _choose(walk, op, operands[0], regions, op.default_region)


def _choose(
    walk: Walk,
    op: Operation,
    condition: Any,
    regions: Mapping[int, Region],
    default: Region | None = None,
) -> Values:
    """Emit the region of a number; of a table, a branch on each of its outcomes."""
    if is_known(condition):
        region = regions.get(int(condition), default)
        return walk.region(region, [])[1] if region and region.blocks else []
    _require(walk, "has_branches", "a branch that outcomes decide", op)
    if isinstance(condition, Expression) and default is not None:
        raise EmissionError("a choice of many by a number that outcomes decide", op)
    outcome = condition.outcomes[0] if isinstance(condition, Table) else condition
    kinds = [result.type for result in op.results]
    sides: dict[int, Values] = {}

    def side(bit: int) -> Callable[[], None]:
        def write() -> None:
            chosen = condition.given(bit) if isinstance(condition, Table) else bit
            sides[bit] = _choose(walk, op, chosen, regions, default)
            if bit == 0:
                _bring_back(walk, kinds, sides[0], sides[1])

        return write

    def differing() -> list[int]:
        return [
            number
            for number, (one, zero) in enumerate(zip(sides[1], sides[0], strict=True))
            if not is_qubits(kinds[number]) and one is not zero
            if not (is_known(one) and is_known(zero))
        ]

    def results() -> list[tuple[Any, Any, Attribute]]:
        return [(sides[1][n], sides[0][n], kinds[n]) for n in differing()]

    found = walk.within(lambda: walk.emitter.branch(outcome, side(1), side(0), results))
    merged = [
        one if is_qubits(kind) or one is zero else table((outcome,), (zero, one))
        for kind, one, zero in zip(kinds, sides[1], sides[0], strict=True)
    ]
    for number, value in zip(differing(), found, strict=True):
        merged[number] = _variable(value, kinds[number])
    return merged


def _bring_back(
    walk: Walk, kinds: Sequence[Attribute], held: Values, wanted: Values
) -> None:
    """Swap qubits until they are on the wires that they are wanted on."""
    for kind, a, b in zip(kinds, held, wanted, strict=True):
        if is_qubits(kind):
            restore(walk, a, b)


@rule(scf.ForOp)
def _for(walk: Walk, op: scf.ForOp, operands: Values) -> Values:
    if not all(map(is_known, operands[:3])):
        raise EmissionError("a number of iterations that outcomes decide", op)
    first, end, step, *carried = operands
    if walk.emitter.has_counters and len(range(first, end, step)) > 1:
        found = _counted(walk, op, operands)
        if found is not None:
            return found
    for number in range(first, end, step):
        _, carried = walk.region(op.body, [number, *carried])
    return carried


def _counted(walk: Walk, op: scf.ForOp, operands: Values) -> Values | None:
    """Emit a loop that counts, or return None if its body needs to know the number."""
    first, end, step, *carried = operands
    kinds = [result.type for result in op.results]
    numbers = counting_values(op, operands, walk.values)
    fixed = [n for n in range(len(kinds)) if n not in numbers]
    if not all(is_qubits(kinds[n]) for n in fixed):
        return None
    mark, steps = walk.emitter.mark(), walk.steps

    def body(number: Expression) -> None:
        given = list(carried)
        for n in numbers:
            given[n] = Expression(number.code, kinds[n])
        _, found = walk.region(op.body, [number, *given])
        if any(found[n] != carried[n] for n in fixed):
            raise EmissionError("qubits that a loop moves", op)

    try:
        walk.within(lambda: walk.emitter.count(first, end, step, body))
    except EmissionError:
        walk.emitter.undo(mark)
        walk.steps = steps
        return None
    last = first + step * len(range(first, end, step))
    return [last if n in numbers else value for n, value in enumerate(carried)]


@rule(scf.WhileOp)
def _while(walk: Walk, op: scf.WhileOp, operands: Values) -> Values:
    values = operands
    while True:
        _, (condition, *passed) = walk.region(op.before_region, values)
        if not is_known(condition):
            return _looped(walk, op, condition, passed)
        if not condition:
            return passed
        _, values = walk.region(op.after_region, passed)


def _looped(walk: Walk, op: scf.WhileOp, condition: Any, passed: Values) -> Values:
    """Emit a loop that outcomes decide: its body first, and the next test after it."""
    _require(walk, "has_loops", "a loop that outcomes decide", op)
    kinds = [result.type for result in op.results]
    kept = {
        **{n: passed[n] for n in constant_values(op)},
        **dict.fromkeys(tested_values(op), 1),
    }
    moving = [n for n, k in enumerate(kinds) if not is_qubits(k) and n not in kept]

    def body(variables: Sequence[Expression]) -> tuple[Expression, Values]:
        given = [kept.get(n, value) for n, value in enumerate(passed)]
        for number, variable in zip(moving, variables, strict=True):
            given[number] = _variable(variable, kinds[number])
        _, values = walk.region(op.after_region, given)
        _, (again, *found) = walk.region(op.before_region, values)
        _bring_back(walk, kinds, found, passed)
        return _bit(walk, again), [walk.whole(found[n], kinds[n]) for n in moving]

    found = walk.within(
        lambda: walk.emitter.loop(
            _bit(walk, condition),
            [walk.whole(passed[n], kinds[n]) for n in moving],
            [kinds[n] for n in moving],
            body,
        )
    )
    results = list(passed)
    for number in tested_values(op):
        results[number] = 0
    for number, value in zip(moving, found, strict=True):
        results[number] = _variable(value, kinds[number])
    return results


def _variable(value: Expression, kind: Attribute) -> Any:
    """Return a variable; one that is a bit is like an outcome."""
    return of_outcome(value) if kind == i1 else value


def _bit(walk: Walk, value: Any) -> Any:
    return walk.whole(value, i1)
