"""How long operations take, roughly: in simple ones, about a nanosecond each."""

from collections.abc import Iterator

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation

from qjit.dialects.batch import ForEachOp
from qjit.dialects.quantum import CountsOp, SampleOp
from qjit.dialects.quantum.types import RegisterType
from qjit.dialects.statevector import ScheduleOp
from qjit.runtime.abi.layout import ENTRY_WORDS

from .constants import known_integer

COSTLY = 1 << 12  # an operation that no table knows, such as a call
UNKNOWN_COUNT = 1 << 6
SIMPLE = ("arith", "math", "complex", "memref", "scf")
CIRCUIT = ("quantum", "statevector", "gradient")
GATE, READING, SHOT, OUTCOME = 40, 128, 32, 50
RECORDED = 3  # running a gate for the adjoint method, and coming back over it
AMPLITUDES = 6  # that a gate takes in the time of a simple operation


def trip_count(loop: Operation) -> int | None:
    """Return how often a loop or a batch runs its body, if that is known."""
    if isinstance(loop, ForEachOp):
        return known_integer(loop.count)
    if not isinstance(loop, scf.ForOp):
        return None
    start, end, step = map(known_integer, (loop.lb, loop.ub, loop.step))
    if start is None or end is None or step is None:
        return None
    return max(0, -((start - end) // step))


def callee(op: Operation) -> func.FuncOp | None:
    """Return the function of the same program that an operation calls, if it does."""
    match op:
        case func.CallOp():
            name = op.callee.string_value()
        case ForEachOp():
            name = op.function.string_value()
        case _:
            return None
    module = op.get_toplevel_object()
    assert isinstance(module, ModuleOp)
    functions = (each for each in module.ops if isinstance(each, func.FuncOp))
    return next((each for each in functions if each.sym_name.data == name), None)


def callees(function: func.FuncOp) -> Iterator[func.FuncOp]:
    """Yield the functions of the same program that a function calls."""
    yield from filter(None, map(callee, function.walk()))


def callees_first(functions: list[func.FuncOp]) -> list[func.FuncOp]:
    """Return functions in an order in which each comes after those that it calls."""
    found: dict[func.FuncOp, None] = {}

    def add(function: func.FuncOp) -> None:
        if function not in found:
            for each in callees(function):
                add(each)
            found[function] = None

    for function in functions:
        add(function)
    return list(found)


def everything(function: func.FuncOp) -> Iterator[Operation]:
    """Yield the operations of a function and of those that it calls."""
    for each in callees_first([function]):
        yield from each.walk()


def is_in_batch(op: Operation) -> bool:
    """Tell whether an operation is part of what the entries of a batch run."""
    while not isinstance(op, func.FuncOp):
        outer = op.parent_op()
        assert outer is not None
        op = outer
    module = op.parent_op()
    assert isinstance(module, ModuleOp)
    batches = (callee(each) for each in module.walk() if isinstance(each, ForEachOp))
    return any(op in callees_first([each]) for each in batches if each is not None)


class Costs:
    """Estimates of how many simple operations stand for others."""

    def __init__(self) -> None:
        """Know of no function yet."""
        self._known: dict[func.FuncOp, int] = {}

    def block(self, block: Block) -> int:
        """Estimate what a block costs."""
        return sum(map(self.operation, block.ops))

    def function(self, function: func.FuncOp) -> int:
        """Estimate what a call of a function costs."""
        if function not in self._known:
            self._known[function] = self.block(function.body.block)
        return self._known[function]

    def operation(self, op: Operation) -> int:
        """Estimate what an operation costs."""
        inner = sum(self.block(b) for region in op.regions for b in region.blocks)
        called = callee(op)
        if called is not None:
            inner += self.function(called)
        if isinstance(op, scf.ForOp | scf.WhileOp | ForEachOp):
            count = trip_count(op)
            return inner * (UNKNOWN_COUNT if count is None else count)
        group = op.name.partition(".")[0]
        if inner or group in SIMPLE:
            return 1 + inner
        return _circuit_cost(op) if group in CIRCUIT else COSTLY


def _circuit_cost(op: Operation) -> int:
    widths = [v.type.size.data for v in op.operands if isinstance(v.type, RegisterType)]
    amplitudes = 1 << max(widths, default=0)
    match op:
        case ScheduleOp():
            gates = len(op.entries.get_values()) // ENTRY_WORDS
            each = GATE + amplitudes // AMPLITUDES
            return gates * each * (1 if op.slots is None else RECORDED)
        case CountsOp():
            return amplitudes + OUTCOME * (1 << len(op.measured))
        case SampleOp():
            return amplitudes + SHOT * op.shots.value.data
        case _:
            return READING + amplitudes
