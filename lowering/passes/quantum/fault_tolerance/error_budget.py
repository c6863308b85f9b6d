"""How often rotations of a program are applied, among which an error is divided."""

from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import CallOp, FuncOp
from xdsl.ir import Operation, SSAValue

from qjit.dialects.quantum import GateOp
from qjit.dialects.quantum.linearity import line_of
from qjit.dialects.quantum.types import BitType, RegisterType
from qjit.lowering.analysis.constants import known_integer
from qjit.lowering.passes.circuits.angles import eighths_of
from qjit.lowering.passes.circuits.parameters import known_angle
from qjit.lowering.passes.pipeline import PassError


class ErrorBudget:
    """Counts the rotations of a module that Clifford gates and T only come close to.

    Each turn of a loop counts, and each call of a function. Both branches count.
    """

    def __init__(self, module: ModuleOp) -> None:
        self.module = module
        self._functions: dict[str, int] = {}

    def count(self) -> int:
        """Return how many there are.

        Raises:
            PassError: if some are in a loop whose length is not known.
        """
        return sum(
            self._times(op)
            for op in self.module.walk()
            if isinstance(op, GateOp) and is_approximated(op)
        )

    def _times(self, gate: Operation) -> int:
        """Return how often an operation runs in one circuit."""
        found, op = 1, gate.parent_op()
        while op is not None and not isinstance(op, ModuleOp):
            if isinstance(op, FuncOp):
                return found * self._calls(op)
            if isinstance(op, scf.ForOp | scf.WhileOp) and _carries_qubits(op):
                found *= _turns(op, gate)
            op = op.parent_op()
        return found

    def _calls(self, function: FuncOp) -> int:
        """Return how often one circuit calls a function; 1 for what has circuits."""
        if not any(map(_is_quantum, function.body.block.args)):
            return 1
        name = function.sym_name.data
        if name not in self._functions:
            self._functions[name] = sum(
                self._times(op)
                for op in self.module.walk()
                if isinstance(op, CallOp) and op.callee.string_value() == name
            )
        return self._functions[name]


def is_approximated(op: GateOp) -> bool:
    """Tell whether an operation is a rotation that is not a multiple of pi/4."""
    if op.gate.data != "RZ":
        return False
    (angle,) = op.params
    known = known_angle(angle)
    return known is None or eighths_of(known) is None


def _turns(loop: scf.ForOp | scf.WhileOp, gate: Operation) -> int:
    if isinstance(loop, scf.ForOp):
        low, high, step = map(known_integer, (loop.lb, loop.ub, loop.step))
        if low is not None and high is not None and step:
            return len(range(low, high, step))
    raise PassError(
        f"{line_of(gate) or 'unknown line'}: the error of a circuit cannot be divided "
        "among rotations in a loop whose length is known only when the program runs. "
        "Give the error of each rotation instead, such as clifford-t{each=1e-8}."
    )


def _carries_qubits(loop: scf.ForOp | scf.WhileOp) -> bool:
    return any(map(_is_quantum, loop.results))


def _is_quantum(value: SSAValue) -> bool:
    return isinstance(value.type, BitType | RegisterType)
