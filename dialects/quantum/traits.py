"""What operations do with qubits and registers, beyond using each of them up once."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation
from xdsl.traits import OpTrait

from .types import RegisterType


class Linear(OpTrait):
    """Each qubit and register of the function around the operation is used once."""

    def verify(self, op: Operation) -> None:
        """Check the whole function, from what makes or takes its first register."""
        # The rules are about these operations, so their module imports this one.
        from .linearity import verify_linear

        top = op
        while (parent := top.parent_op()) and not isinstance(parent, ModuleOp):
            top = parent
        if _is_first_maker(op, top) or _is_first_taker(op):
            verify_linear(top)


def _is_first_maker(op: Operation, top: Operation) -> bool:
    if not op.results or not isinstance(op.results[0].type, RegisterType):
        return False
    return op is next(each for each in top.walk() if type(each) is type(op))


def _is_first_taker(op: Operation) -> bool:
    """Tell whether an operation comes first among the uses of a function's argument."""
    for operand in op.operands:
        owner = operand.owner
        if isinstance(operand.type, RegisterType) and isinstance(owner, Block):
            first = next(iter(operand.uses)).operation
            return isinstance(owner.parent_op(), FuncOp) and first is op
    return False


class Borrows(Linear):
    """The operation reads its register or changes it in place: it is used again."""


class TakesOut(Borrows):
    """The operation takes the qubit at its `wire` out of a register."""


class PutsBack(OpTrait):
    """The operation puts a qubit back into a register, at its `wire`."""


class TakesParts(OpTrait):
    """The operation takes and returns registers that some qubits are out of."""


class UsesOuterValues(OpTrait):
    """The operation's regions use up qubits and registers of the code around them."""
