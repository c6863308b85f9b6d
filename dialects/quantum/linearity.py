"""The rules for qubits and registers: each value is used exactly once.

A branch of an `scf.if` or `scf.index_switch` may use up a value from outside, and
then every branch does; so may a `batch.in_lanes`. Other regions take such values as
arguments. A register whose qubits are out takes them back, one by one, before anything
else uses it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects import scf
from xdsl.dialects.builtin import ArrayAttr, IntegerAttr, ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.traits import OpTrait
from xdsl.utils.exceptions import VerifyException

from .types import BitType, RegisterType

# Operations of xDSL whose regions use outer values, too.
BRANCHES = (scf.IfOp, scf.IndexSwitchOp)
LINES = "qjit.lines"

Wires = frozenset[int | SSAValue]


class Linear(OpTrait):
    """Each qubit and register of the function around the operation is used once."""

    def verify(self, op: Operation) -> None:
        """Check the whole function, from what makes or takes its first register."""
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


class UsesOuterValues(OpTrait):
    """The operation's regions use up qubits and registers of the code around them."""


def verify_linear(op: Operation) -> None:
    """Raise unless every qubit and register below an operation is used once."""
    for region in op.regions:
        _check_region(region, _Scope())


def line_of(op: Operation) -> str | None:
    """Return the user's line of an operation, where it is known."""
    line = op.properties.get("line", op.attributes.get("line"))
    top: Operation | None = op
    while top is not None and not isinstance(top, ModuleOp):
        top = top.parent_op()
    lines = None if top is None else top.attributes.get(LINES)
    if not isinstance(line, IntegerAttr) or not isinstance(lines, ArrayAttr):
        return None
    text = lines.data[line.value.data]
    return text.data if isinstance(text, StringAttr) else None


def place(op: Operation) -> str:
    """Name an operation for an error, with the user's line where it is known."""
    line = line_of(op)
    return op.name if line is None else f"{op.name} at {line}"


@dataclass
class _Scope:
    """What is known of qubits and registers at a point in a block.

    `uses` maps a value to what used it up, if anything; a branch records its uses of
    outer values without touching its parent. `out` maps a register to the wires whose
    qubits are out; `missing` are those that were out before the region.
    """

    branch_of: _Scope | None = None
    missing: Wires = frozenset()
    uses: dict[SSAValue, Operation | None] = field(
        default_factory=dict[SSAValue, Operation | None]
    )
    out: dict[SSAValue, Wires] = field(default_factory=dict[SSAValue, Wires])
    spent: dict[SSAValue, Operation] = field(default_factory=dict[SSAValue, Operation])

    def define(self, value: SSAValue, out: Wires) -> None:
        """Add a value that is to be used once."""
        if isinstance(value.type, BitType):
            self.uses[value] = None
        elif isinstance(value.type, RegisterType):
            self.uses[value] = None
            self.out[value] = out

    def check_unused(self, value: SSAValue, op: Operation) -> None:
        """Raise unless the value can be seen and has not been used up."""
        scope: _Scope | None = self
        while scope is not None and value not in scope.uses:
            scope = scope.branch_of
        if scope is None:
            raise VerifyException(
                f"Expected {place(op)} to use a {value.type} of its own region, but "
                "got one from outside. Loops and functions take qubits and registers "
                "as arguments."
            )
        if (earlier := scope.uses[value]) is not None:
            raise VerifyException(
                f"Expected one use of a {value.type}, but got {place(op)} after "
                f"{place(earlier)}. A qubit or register is used exactly once."
            )

    def consume(self, value: SSAValue, op: Operation) -> None:
        """Use up a value."""
        if value not in self.uses:
            self.spent[value] = op
        self.uses[value] = op

    def wires_out(self, register: SSAValue) -> Wires:
        """The wires whose qubits are out of a register."""
        scope = self
        while register not in scope.out:
            assert scope.branch_of is not None
            scope = scope.branch_of
        return scope.out[register]


def _check_region(region: Region, scope: _Scope) -> None:
    for block in region.blocks:
        _check_block(block, scope)


def _check_block(block: Block, scope: _Scope) -> None:
    for argument in block.args:
        scope.define(argument, scope.missing)
    for op in block.ops:
        out = _check_operands(op, scope)
        if op.regions:
            _check_regions(op, scope, out)
        for result in op.results:
            scope.define(result, out)
    for value, use in scope.uses.items():
        if use is None:
            owner = value.owner
            source = place(owner) if isinstance(owner, Operation) else "a region"
            raise VerifyException(
                f"Expected one use of a {value.type} from {source}, but got none. "
                "A qubit or register is used exactly once."
            )


def _check_operands(op: Operation, scope: _Scope) -> Wires:
    """Check the uses, and return the wires that are out of the resulting registers."""
    out = scope.missing
    for operand in op.operands:
        kind = operand.type
        if not isinstance(kind, BitType | RegisterType):
            continue
        scope.check_unused(operand, op)
        if isinstance(kind, RegisterType):
            out = _wires_out_after(op, operand, scope)
        if not op.has_trait(Borrows):
            scope.consume(operand, op)
    return out


def _wires_out_after(op: Operation, register: SSAValue, scope: _Scope) -> Wires:
    out = scope.wires_out(register)
    if op.has_trait(TakesOut):
        wire = _wire(op)
        if wire in out:
            raise VerifyException(
                f"Expected wire {_name(wire)} in the register, but got {place(op)} "
                "of it twice. A qubit is put back before it is taken again."
            )
        scope.out[register] = out | {wire}
        return scope.missing
    if op.has_trait(PutsBack):
        wire = _wire(op)
        if wire not in out - scope.missing:
            raise VerifyException(
                f"Expected wire {_name(wire)} to be out of the register, but got "
                f"{place(op)} to where a qubit is. A qubit is put back once."
            )
        return out - {wire}
    if out != scope.missing:
        wires = ", ".join(sorted(map(_name, out - scope.missing)))
        raise VerifyException(
            f"Expected a whole register for {place(op)}, but got one with wire "
            f"{wires} taken out. Qubits are put back before the register is used."
        )
    return out


def _wire(op: Operation) -> int | SSAValue:
    """Return where an operation takes a qubit out or puts one back."""
    wire: int | SSAValue = getattr(op, "wire")  # noqa: B009 (of those with the traits)
    return wire


def _name(wire: int | SSAValue) -> str:
    return str(wire) if isinstance(wire, int) else f"%{wire.name_hint or 'wire'}"


def _check_regions(op: Operation, scope: _Scope, out: Wires) -> None:
    if not isinstance(op, BRANCHES) and not op.has_trait(UsesOuterValues):
        for region in op.regions:
            _check_region(region, _Scope(missing=out))
        return
    branches: list[_Scope] = []
    for region in op.regions:
        branch = _Scope(scope, scope.missing)
        _check_region(region, branch)
        branches.append(branch)
    for branch in branches:
        for value in branch.spent:
            if any(value not in other.spent for other in branches):
                raise VerifyException(
                    f"Expected each branch of {place(op)} to use a {value.type}, but "
                    "got one that does not. Every branch uses up the same values."
                )
    for value in branches[0].spent:
        scope.consume(value, op)
