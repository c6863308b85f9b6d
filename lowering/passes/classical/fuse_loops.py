"""The pass `fuse-loops`: loops side by side over the same elements become one.

An array that several others are made of, and one that a loop carries, is computed where
it stands, by a loop of its own. One loop in their place crosses memory once, and what
only passes between them needs no memory.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import complex, func, math, memref, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from qjit.lowering.analysis.constants import known_integer
from qjit.lowering.analysis.polling import POLLED

# Loops of more operations, or of more arrays, gain nothing from growing.
MOST_OPERATIONS = 200
MOST_ARRAYS = 16
# How many pairs of arrays LLVM tells apart at run time before it gives up on vectors.
MOST_CHECKS = 8
PURE = ("arith", "math", "complex")
# Operations that need no memory of another loop.
MOVABLE = (memref.AllocOp, memref.GetGlobalOp, memref.ReinterpretCastOp)
# What has instructions; other functions are calls, which keep a loop from vectors.
INSTRUCTIONS = (
    *(math.SqrtOp, math.AbsFOp, math.AbsIOp, math.FloorOp, math.CeilOp, math.RoundOp),
    *(math.RoundEvenOp, math.CopySignOp, math.CtPopOp, math.CountLeadingZerosOp),
)

# The buffer or view that is accessed, and where: a constant, an index, or the number
# of a loop; None where that is computed.
Place = tuple[SSAValue, tuple[object, ...]] | None


@dataclass
class Access:
    """How a loop nest uses an array."""

    places: set[Place] = field(default_factory=set[Place])
    stored: bool = False


@dataclass
class Nest:
    """Loops with nothing between them, around operations without regions."""

    loops: list[scf.ForOp]
    operations: int = 0
    calls: bool = False
    accesses: dict[SSAValue, Access] = field(default_factory=dict[SSAValue, Access])

    @property
    def body(self) -> Block:
        """Return the block inside all loops."""
        return self.loops[-1].body.block

    @property
    def bounds(self) -> list[object]:
        """Return what must be equal for two nests to go through the same steps."""
        return [
            _known(bound)
            for loop in self.loops
            for bound in (loop.lb, loop.ub, loop.step)
        ]

    def is_own(self, place: Place) -> bool:
        """Tell whether every step has a place for itself."""
        return place is not None and all(
            place[1].count(_Step(depth)) == 1 for depth in range(len(self.loops))
        )


@dataclass(frozen=True)
class _Step:
    """The index of one of the loops."""

    depth: int


class FuseLoopsPass(ModulePass):
    """Join neighbouring loops over the same range whose steps do not disturb others."""

    name = "fuse-loops"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Walk once through every block that has several loops."""
        fuse_loops(op)


def fuse_loops(module: ModuleOp) -> None:
    """Join the loops of a module."""
    blocks = Counter(op.parent for op in module.walk() if isinstance(op, scf.ForOp))
    for block, loops in blocks.items():
        if loops > 1 and block is not None:
            _fuse_in(block)


def _fuse_in(block: Block) -> None:
    earlier: Nest | None = None
    between: list[Operation] = []
    for op in list(block.ops):
        nest = _nest(op)
        if nest is not None:
            if earlier is not None and _may_join(earlier, nest):
                _join(earlier, nest, between)
            else:
                earlier = nest
            between = []
        elif earlier is not None and _may_precede(op, earlier):
            between.append(op)
        else:
            earlier = None


def _nest(op: Operation) -> Nest | None:
    """Return the nest of loops that an operation is, if it can be fused at all."""
    loops: list[scf.ForOp] = []
    inner: Iterable[Operation] = [op]
    while isinstance(loop := next(iter(inner)), scf.ForOp):
        if loop.iter_args or POLLED in loop.attributes:
            return None
        loops.append(loop)
        inner = loop.body.block.ops
    if not loops or any(len(loop.body.block.ops) != 2 for loop in loops[:-1]):
        return None
    nest = Nest(loops)
    return nest if all(_enters(nest, each) for each in nest.body.ops) else None


def _enters(nest: Nest, op: Operation) -> bool:
    """Note what an operation inside a nest does, and tell whether it may be there."""
    nest.operations += 1
    if isinstance(op, memref.LoadOp | memref.StoreOp):
        access = nest.accesses.setdefault(_root(op.memref), Access())
        access.places.add(_place(nest, op))
        access.stored |= isinstance(op, memref.StoreOp)
        return True
    group = op.name.partition(".")[0]
    called = group == "math" and not isinstance(op, INSTRUCTIONS)
    nest.calls |= called or isinstance(op, complex.AbsOp)
    return isinstance(op, scf.YieldOp) or (group in PURE and not op.regions)


def _place(nest: Nest, op: memref.LoadOp | memref.StoreOp) -> Place:
    steps: dict[SSAValue, _Step] = {
        loop.body.block.args[0]: _Step(depth) for depth, loop in enumerate(nest.loops)
    }
    where: list[object] = []
    for index in op.indices:
        if index.owner.parent is nest.body and index not in steps:
            return None
        where.append(steps.get(index) or _known(index))
    return op.memref, tuple(where)


def _known(value: SSAValue) -> object:
    """Return the integer that a value is, or else the value."""
    number = known_integer(value)
    return value if number is None else number


def _root(buffer: SSAValue) -> SSAValue:
    """Return the buffer that a view looks into."""
    while isinstance(buffer.owner, memref.ReinterpretCastOp):
        buffer = buffer.owner.source
    return buffer


def _is_owned(root: SSAValue) -> bool:
    """Tell whether nothing else can be this memory."""
    return isinstance(root.owner, memref.AllocOp | memref.GetGlobalOp)


def _is_argument(root: SSAValue) -> bool:
    """Tell whether a buffer is given to the function, and so is none of its own."""
    block = root.owner
    return isinstance(block, Block) and isinstance(block.parent_op(), func.FuncOp)


def _may_overlap(one: SSAValue, other: SSAValue) -> bool:
    if one is other:
        return True
    if _is_owned(one) or _is_owned(other):
        rest = other if _is_owned(one) else one
        return not (_is_owned(rest) or _is_argument(rest))
    return True


def _may_precede(op: Operation, nest: Nest) -> bool:
    """Tell whether an operation after a nest may as well stand before it."""
    if isinstance(op, memref.LoadOp):
        root = _root(op.memref)
        return not any(
            access.stored and _may_overlap(root, other)
            for other, access in nest.accesses.items()
        )
    group = op.name.partition(".")[0]
    return isinstance(op, MOVABLE) or (group in PURE and not op.regions)


def _may_join(earlier: Nest, later: Nest) -> bool:
    return (
        earlier.bounds == later.bounds
        and earlier.calls == later.calls
        and earlier.operations + later.operations <= MOST_OPERATIONS
        and all(_apart(earlier, later, *pair) for pair in _shared(earlier, later))
        and _pays({**earlier.accesses, **later.accesses}, earlier, later)
    )


def _shared(earlier: Nest, later: Nest) -> Iterator[tuple[SSAValue, SSAValue]]:
    """Return the arrays of two nests that may be one, of which one is written."""
    for one, access in earlier.accesses.items():
        for other, second in later.accesses.items():
            if (access.stored or second.stored) and _may_overlap(one, other):
                yield one, other


def _apart(earlier: Nest, later: Nest, one: SSAValue, other: SSAValue) -> bool:
    """Tell whether each step of two nests uses an array in a place of its own."""
    places = earlier.accesses[one].places | later.accesses[other].places
    return one is other and len(places) == 1 and all(map(earlier.is_own, places))


def _pays(roots: Iterable[SSAValue], *nests: Nest) -> bool:
    """Tell whether LLVM can still make vector code of a nest of these arrays."""
    stored = {r for nest in nests for r, a in nest.accesses.items() if a.stored}
    every = list(roots)
    pairs = [(one, other) for n, one in enumerate(every) for other in every[:n]]
    checks = sum(
        any(root in stored for root in pair) and any(map(_is_argument, pair))
        for pair in pairs
    )
    return len(every) <= MOST_ARRAYS and checks <= MOST_CHECKS


def _join(earlier: Nest, later: Nest, between: Iterable[Operation]) -> None:
    """Move a nest's operations into an earlier one."""
    first, last = earlier.loops[0], earlier.body.last_op
    block = first.parent
    assert block is not None and last is not None
    for op in between:
        op.detach()
        block.insert_op_before(op, first)
    for one, other in zip(earlier.loops, later.loops, strict=True):
        other.body.block.args[0].replace_all_uses_with(one.body.block.args[0])
    for op in list(later.body.ops)[:-1]:
        op.detach()
        earlier.body.insert_op_before(op, last)
    later.loops[0].detach()
    later.loops[0].erase()
    _merge(earlier, later)
    _forward(earlier)


def _merge(earlier: Nest, later: Nest) -> None:
    earlier.operations += later.operations
    for root, access in later.accesses.items():
        known = earlier.accesses.setdefault(root, Access())
        known.places |= access.places
        known.stored |= access.stored


def _forward(nest: Nest) -> None:
    """Read what was just written without memory, which may so become needless."""
    written: dict[SSAValue, SSAValue] = {}
    for op in list(nest.body.ops):
        if not isinstance(op, memref.LoadOp | memref.StoreOp):
            continue
        root = _root(op.memref)
        if not _is_owned(root) or not _has_one_place(nest, root):
            continue
        if isinstance(op, memref.StoreOp):
            written[root] = op.value
        elif root in written:
            op.res.replace_all_uses_with(written[root])
            op.detach()
            op.erase()
    for root in written:
        uses = [use.operation for use in root.uses]
        if all(isinstance(op, memref.StoreOp) for op in uses):
            for op in (*uses, root.owner):
                assert isinstance(op, Operation)
                op.detach()
                op.erase()
            del nest.accesses[root]


def _has_one_place(nest: Nest, root: SSAValue) -> bool:
    places = nest.accesses[root].places
    return len(places) == 1 and all(map(nest.is_own, places))
