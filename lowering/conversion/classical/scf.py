"""Conversion of structured control flow to blocks and branches."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from xdsl.dialects import llvm, scf
from xdsl.dialects.builtin import i64
from xdsl.ir import Block, SSAValue

from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.analysis.cost_model import is_in_batch
from qjit.lowering.analysis.polling import period
from qjit.lowering.conversion.converter import Converter, convert_type, llvm_rule


def _values(converter: Converter, values: Sequence[SSAValue]) -> list[SSAValue]:
    return [converter.value(value) for value in values]


def _block(converter: Converter, values: Sequence[SSAValue]) -> Block:
    """Make a block whose arguments stand for values."""
    block = converter.new_block([convert_type(value.type) for value in values])
    for value, arg in zip(values, block.args, strict=True):
        converter.bind(value, arg)
    return block


def _region(converter: Converter, source: Block) -> list[SSAValue]:
    """Convert a region's block in place and return what it yields."""
    terminator = converter.convert_block(source)
    return _values(converter, terminator.operands) if terminator else []


def _poll(
    converter: Converter, loop: scf.ForOp | scf.WhileOp, position: SSAValue
) -> None:
    """Begin the body of a loop, at a count of iterations, by polling at times."""
    every = period(loop)
    if every is None:
        return
    rest = converter.emit(llvm.AndOp(position, converter.int(every - 1)))
    due = converter.compare(rest, converter.int(every - 1), "eq")
    ask, following = converter.new_block(), converter.new_block()
    converter.branch_if(due, ask, [], following, [])
    converter.block = ask
    converter.check(converter.result("__qjit__poll", i64, []))
    if is_in_batch(loop):
        stopped = converter.result("__qrt__stopped", i64, [converter.context])
        converter.check(stopped)
    converter.branch(following)
    converter.block = following


@contextmanager
def _counted(
    converter: Converter, carried: Sequence[SSAValue], counter: SSAValue
) -> Generator[None]:
    """Let errors of a circuit name the iteration of the loop that it runs in."""
    outer = converter.iteration
    if any(isinstance(value.type, RegisterType) for value in carried):
        converter.iteration = counter
    yield
    converter.iteration = outer


@llvm_rule(scf.IfOp)
def _if(converter: Converter, op: scf.IfOp) -> None:
    then = converter.new_block()
    after = _block(converter, op.output)
    condition = converter.value(op.cond)
    if not op.false_region.blocks:
        converter.branch_if(condition, then, [], after, [])
    else:
        otherwise = converter.new_block()
        converter.branch_if(condition, then, [], otherwise, [])
        converter.block = otherwise
        converter.branch(after, _region(converter, op.false_region.block))
    converter.block = then
    converter.branch(after, _region(converter, op.true_region.block))
    converter.block = after


@llvm_rule(scf.IndexSwitchOp)
def _switch(converter: Converter, op: scf.IndexSwitchOp) -> None:
    chosen = converter.value(op.arg)
    after = _block(converter, op.output)
    for case, region in zip(op.cases.iter_values(), op.case_regions, strict=True):
        here, following = converter.new_block(), converter.new_block()
        found = converter.compare(chosen, converter.int(int(case)), "eq")
        converter.branch_if(found, here, [], following, [])
        converter.block = here
        converter.branch(after, _region(converter, region.block))
        converter.block = following
    converter.branch(after, _region(converter, op.default_region.block))
    converter.block = after


@llvm_rule(scf.ForOp)
def _for(converter: Converter, op: scf.ForOp) -> None:
    start, end, step = _values(converter, [op.lb, op.ub, op.step])
    source = op.body.block
    head = _block(converter, source.args)
    body, after = converter.new_block(), converter.new_block()
    converter.branch(head, [start, *_values(converter, op.iter_args)])
    converter.block = head
    inside = converter.compare(head.args[0], end, "slt")
    converter.branch_if(inside, body, [], after, [])
    converter.block = body
    _poll(converter, op, head.args[0])
    with _counted(converter, op.iter_args, head.args[0]):
        yielded = _region(converter, source)
    advanced = converter.emit(llvm.AddOp(head.args[0], step))
    converter.branch(head, [advanced, *yielded])
    converter.block = after
    for result, arg in zip(op.res, head.args[1:], strict=True):
        converter.bind(result, arg)


@llvm_rule(scf.WhileOp)
def _while(converter: Converter, op: scf.WhileOp) -> None:
    before, after = op.before_region.block, op.after_region.block
    head = _block(converter, before.args)
    head.insert_arg(i64, len(head.args))
    counter = head.args[-1]
    body = _block(converter, after.args)
    done = _block(converter, op.res)
    converter.branch(head, [*_values(converter, op.arguments), converter.int(0)])
    converter.block = head
    with _counted(converter, op.arguments, counter):
        condition, *passed = _region(converter, before)
        converter.branch_if(condition, body, passed, done, passed)
        converter.block = body
        _poll(converter, op, counter)
        yielded = _region(converter, after)
    advanced = converter.emit(llvm.AddOp(counter, converter.int(1)))
    converter.branch(head, [*yielded, advanced])
    converter.block = done
