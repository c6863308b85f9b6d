"""The walk over a circuit that emits it: what is known is computed on the way.

Operations on known values have their values in numpy; only what outcomes of
measurements decide is left to the language (partial evaluation: N. D. Jones,
C. K. Gomard and P. Sestoft, 1993). Loops over known numbers come out unrolled, unless
the language counts itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.utils.exceptions import InterpretationError

from qjit.lowering.emitters.emitter import EmissionError, Emitter
from qjit.lowering.emitters.values import is_known, of_bit, tabulated, whole

from .memory import Memory

# More operations than any device takes: a loop that has no end comes to this.
MOST_OPERATIONS = 1_000_000
Values = Sequence[Any]
Rule = Callable[["Walk", Any, Values], Values]


class Rules(dict[type[Operation], Rule]):
    """What is emitted of each kind of operation."""

    def of(self, *kinds: type[Operation]) -> Callable[[Rule], Rule]:
        """Make a function the rule of some kinds."""

        def register(function: Rule) -> Rule:
            self.update(dict.fromkeys(kinds, function))
            return function

        return register


@dataclass
class Walk:
    """One walk over the function of a module, which an emitter writes down."""

    module: ModuleOp
    emitter: Emitter
    interpreter: Interpreter
    rules: Mapping[type[Operation], Rule]
    memory: Memory = field(default_factory=Memory)
    values: dict[SSAValue, Any] = field(default_factory=dict[SSAValue, Any])
    num_qubits: int = 0
    subroutines: dict[Any, str | None] = field(default_factory=dict[Any, str | None])
    """The names of functions of the language, by what they do; None for those that it
    is not able to have."""
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
        known = self.rules.get(type(op))
        if known is not None:
            return known(self, op, operands)
        if all(map(is_known, operands)):
            return self.evaluate(op, operands)
        if op.regions or not op.results:
            raise EmissionError(f"'{op.name}' of what outcomes decide", op)
        if len(operands) == 1:
            operands = list(map(of_bit, operands))
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

    def require(self, ability: str, what: str, op: Operation | None) -> None:
        """Refuse what the language is not able to do."""
        if not getattr(self.emitter, ability):
            raise EmissionError(what, op)

    def mark(self) -> Any:
        """Return where the program is, for `undo`."""
        return self.emitter.mark(), self.steps, self.num_qubits

    def undo(self, mark: Any) -> None:
        """Take back all that was emitted since."""
        written, self.steps, self.num_qubits = mark
        self.emitter.undo(written)
