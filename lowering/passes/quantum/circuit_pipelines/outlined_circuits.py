"""Circuits that are taken out of a program: each is a module of its own for a while.

What stands between the beginning and the end of a circuit becomes the function of a
module, with copies of the functions that it calls. Passes see this module as they see a
program; afterwards its operations go back where they were.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from xdsl.context import Context
from xdsl.dialects import arith, memref
from xdsl.dialects.builtin import ModuleOp, StringAttr, SymbolRefAttr
from xdsl.dialects.func import CallOp, FuncOp, ReturnOp
from xdsl.dialects.memref import GetGlobalOp, GlobalOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from qjit.dialects.quantum import AllocOp
from qjit.lowering.analysis.circuit_operations import circuit_operations
from qjit.lowering.passes.pipeline import OwnPass, Step
from qjit.lowering.passes.run import apply_step
from qjit.lowering.program_attributes import CIRCUIT_PASSES, PASSES

CIRCUIT = "circuit"


class OutlinedCircuit:
    """A circuit that is taken out of a program."""

    def __init__(self, program: ModuleOp, alloc: AllocOp) -> None:
        self.program = program
        self.ops = list(circuit_operations(alloc))
        self.following = self.ops[-1].next_op
        self.called = _called(program, self.ops)
        body = self._isolated()
        functions = [function.clone() for function in self.called.values()]
        arrays = [array.clone() for array in _arrays(program, [body, *functions])]
        parts = [body, *functions, *arrays]
        self.module = ModuleOp(parts, dict(program.attributes))
        self.module.attributes.pop(PASSES, None)
        self.body = body.body.block

    def _isolated(self) -> FuncOp:
        """Move the operations to a function, whose arguments are the outer values."""
        inner: dict[Operation, None] = {
            each: None for op in self.ops for each in op.walk()
        }
        outer: dict[SSAValue, SSAValue] = {}
        function = FuncOp(CIRCUIT, ((), ()))
        block = function.body.block
        for op in inner:
            for index, value in enumerate(op.operands):
                if _is_inner(value, inner) or _comes_along(value, inner, block):
                    continue
                if value not in outer:
                    owner = value.owner
                    if isinstance(owner, arith.ConstantOp | GetGlobalOp):
                        copy = owner.clone()
                        block.add_op(copy)
                        outer[value] = copy.results[0]
                    else:
                        outer[value] = block.insert_arg(value.type, len(block.args))
                op.operands[index] = outer[value]
        self.outer = outer
        for op in self.ops:
            op.detach()
        block.add_ops([*self.ops, ReturnOp()])
        function.update_function_type()
        return function

    def run(self, context: Context, steps: Sequence[Step | OwnPass]) -> None:
        """Run passes, and put what they leave in the place of the circuit."""
        for step in steps:
            apply_step(context, self.module, step)
        self._put_functions_back()
        assert self.following is not None
        last = self.body.last_op
        assert last is not None
        Rewriter.erase_op(last)
        here = InsertPoint.before(self.following)
        for op in list(self.body.ops):
            op.detach()
            is_buffer = isinstance(op, memref.AllocOp) and not op.operands
            Rewriter.insert_op(op, _start(self.following) if is_buffer else here)
        for value, stand_in in self.outer.items():
            if stand_in.owner is self.body:
                stand_in.replace_all_uses_with(value)

    def _put_functions_back(self) -> None:
        """Add functions under names of their own, where they were changed."""
        functions = {
            _symbol(op): op
            for op in self.module.ops
            if _symbol(op) not in (None, CIRCUIT) and not isinstance(op, GlobalOp)
        }
        for op in functions.values():
            op.attributes.pop(CIRCUIT_PASSES, None)
            op.detach()
        changed = self._changed(functions)
        names = {name: self._fresh(name) for name in changed}
        for name, new in names.items():
            functions[name].properties["sym_name"] = StringAttr(new)
            self.program.body.block.add_op(functions[name])
        for op in (*self.body.ops, *(functions[name] for name in names)):
            for call in _calls(op):
                if call.callee.string_value() in names:
                    called = names[call.callee.string_value()]
                    call.properties["callee"] = SymbolRefAttr(called)

    def _changed(self, functions: Mapping[str, Operation]) -> dict[str, None]:
        """Return the names of functions that were changed, or call those that were."""
        found = {
            name: None
            for name, op in functions.items()
            if name not in self.called or not _same(self.called[name], op)
        }
        while more := {
            name: None
            for name, op in functions.items()
            if name not in found
            and any(call.callee.string_value() in found for call in _calls(op))
        }:
            found |= more
        return found

    def _fresh(self, name: str) -> str:
        known = {_symbol(op) for op in self.program.ops}
        number = next(n for n in range(len(known) + 1) if f"{name}_{n}" not in known)
        return f"{name}_{number}"


def _start(op: Operation) -> InsertPoint:
    """Return where a function reserves its memory."""
    function: Operation | None = op
    while not isinstance(function, FuncOp):
        assert function is not None
        function = function.parent_op()
    return InsertPoint.at_start(function.body.block)


def _same(function: Operation, copy: Operation) -> bool:
    """Tell whether a copy of a function is as it was."""
    plain = function.clone()
    plain.attributes.pop(CIRCUIT_PASSES, None)
    return plain.is_structurally_equivalent(copy)


def _calls(op: Operation) -> Iterator[CallOp]:
    """Yield the calls in an operation."""
    return (each for each in op.walk() if isinstance(each, CallOp))


def _symbol(op: Operation) -> Any:
    name = getattr(op, "sym_name", None)
    return None if name is None else name.data


def _is_inner(value: SSAValue, inner: Mapping[Operation, None]) -> bool:
    owner = value.owner
    found = owner if isinstance(owner, Operation) else owner.parent_op()
    return found in inner


def _comes_along(value: SSAValue, inner: Collection[Operation], block: Block) -> bool:
    """Let a buffer that nothing else uses be reserved in the block; tell whether."""
    owner = value.owner
    if not isinstance(owner, memref.AllocOp) or owner.operands:
        return False
    if owner.parent is not block:
        if any(use.operation not in inner for use in value.uses):
            return False
        owner.detach()
        block.add_op(owner)
    return True


def _called(program: ModuleOp, ops: list[Operation]) -> dict[str, FuncOp]:
    """Return the functions that operations call, and those that these call."""
    functions = {op.sym_name.data: op for op in program.ops if isinstance(op, FuncOp)}
    found: dict[str, FuncOp] = {}
    waiting = list(ops)
    while waiting:
        for call in waiting.pop().walk():
            if isinstance(call, CallOp):
                name = call.callee.string_value()
                if name in functions and name not in found:
                    found[name] = functions[name]
                    waiting.append(functions[name])
    return found


def _arrays(program: ModuleOp, ops: list[Operation]) -> list[GlobalOp]:
    """Return the constant arrays of a program that operations name."""
    names = {
        each.name_.string_value()
        for op in ops
        for each in op.walk()
        if isinstance(each, GetGlobalOp)
    }
    return [
        op for op in program.ops if _symbol(op) in names and isinstance(op, GlobalOp)
    ]


def erase_uncalled(program: ModuleOp, function: FuncOp) -> None:
    """Erase a function of gates if only copies of it are called now."""
    name = function.sym_name.data
    calls = (op for op in program.walk() if isinstance(op, CallOp))
    if not any(call.callee.string_value() == name for call in calls):
        Rewriter.erase_op(function)
