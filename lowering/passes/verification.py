"""Verification of the IR between the passes of a program."""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any

from xdsl.dialects import llvm, memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.traits import (
    ConditionallySpeculatable,
    HasFolder,
    HasParent,
    IsolatedFromAbove,
    IsTerminator,
    OpTrait,
    SameOperandsAndResultType,
    SingleBlockImplicitTerminator,
    SymbolOpInterface,
)

from qjit.dialects.quantum.linearity import Linear
from qjit.runtime.recent import Recent

# Traits that verify nothing but what `_note` holds of an operation and its regions.
INWARD = (
    ConditionallySpeculatable,
    HasFolder,
    HasParent,
    IsolatedFromAbove,
    IsTerminator,
    SameOperandsAndResultType,
    SingleBlockImplicitTerminator,
    SymbolOpInterface,
)

# Operations whose own verification looks at nothing but their types and properties.
PLAIN = (
    llvm.CallIntrinsicOp,
    llvm.GEPOp,
    llvm.ICmpOp,
    memref.AllocOp,
    memref.LoadOp,
    memref.ReinterpretCastOp,
    memref.StoreOp,
)

# Kinds of operations that are valid, wherever they are.
_valid: Recent[tuple[Any, ...], bool] = Recent()


class Verifier:
    """Verifies the operations of a module that are new or changed, or hold such.

    Those whose traits look beyond themselves and their regions are verified whenever
    anything has changed where they look: in their function, or in the module.
    """

    def __init__(self, *, enabled: bool) -> None:
        """Verify nothing unless enabled."""
        self._enabled = enabled
        self._known: dict[Operation, tuple[Any, ...]] = {}

    def check(self, module: ModuleOp) -> None:
        """Raise unless the module is valid."""
        if not self._enabled:
            return
        present: dict[Operation, tuple[Any, ...]] = {}
        _note(module, (None, None, True), present)
        changed = self._changed(present)
        if changed:
            for op in _to_verify(present, changed):
                _verify(op)
        self._known = present

    def _changed(self, present: dict[Operation, tuple[Any, ...]]) -> set[Operation]:
        """Return what is new or changed, and all that it is in."""
        changed = set[Operation]()
        for op, content in present.items():
            if self._known.get(op) != content:
                each: Operation | None = op
                while each is not None and each not in changed:
                    changed.add(each)
                    each = each.parent_op()
        return changed


def _note(
    op: Operation, place: tuple[Any, ...], found: dict[Operation, tuple[Any, ...]]
) -> None:
    """Note all that the validity of an operation, and of what is in it, depends on."""
    found[op] = ()  # comes before what is in it
    inside: list[Any] = []
    for region in op.regions:
        blocks = tuple(region.blocks)
        inside.append(blocks)
        for block in blocks:
            ops, last = [*iter(block.ops)], block.last_op
            inside += [value.type for value in block.args], ops
            for each in ops:
                _note(each, (block, op, each is last), found)
    operands = [*op.operands]
    found[op] = (
        place,
        operands,
        [value.type for value in operands],
        [value.type for value in op.results],
        {**op.properties},
        {**op.attributes},
        [*op.successors],
        inside,
    )


def _to_verify(
    present: dict[Operation, tuple[Any, ...]], changed: set[Operation]
) -> Iterator[Operation]:
    """Yield the operations whose validity may be another, in their order."""
    module, function_changed = next(iter(present)), False
    for op, (place, *_) in present.items():
        if place[1] is module:
            function_changed = op in changed
        sight = _sight(type(op))
        if (
            op in changed
            or sight is Sight.MODULE
            or (sight is Sight.FUNCTION and function_changed)
        ):
            yield op


class Sight(Enum):
    """How far the traits of an operation look."""

    INWARD = "INWARD"
    FUNCTION = "FUNCTION"
    MODULE = "MODULE"


@cache
def _sight(kind: type[Operation]) -> Sight:
    """Return how far the traits of operations look to verify them."""
    outward = [
        trait
        for trait in kind.traits
        if type(trait).verify is not OpTrait.verify and not isinstance(trait, INWARD)
    ]
    if not outward:
        return Sight.INWARD
    local = all(isinstance(trait, Linear) for trait in outward)
    return Sight.FUNCTION if local else Sight.MODULE


def _verify(op: Operation) -> None:
    """Verify an operation and the frames of its regions, but not what is in them."""
    kind = _kind(op)
    if kind is not None and _valid.get(kind):
        return
    op.verify(verify_nested_ops=False)
    for region in op.regions:
        for block in region.blocks:
            if block.parent is not region:
                raise ValueError(f"a block of {op.name} has another parent")
            if block.first_op is None:
                block.verify()
    if kind is not None:
        _valid[kind] = True


def _kind(op: Operation) -> tuple[Any, ...] | None:
    """Return what the validity of an operation depends on, which many share.

    It is None where the operation is verified by more than that.
    """
    block = op.parent
    region = None if block is None else block.parent
    if region is None or op.regions or not _is_plain(type(op)):
        return None
    return (
        type(op),
        tuple([(type(value), value.type) for value in op.operands]),
        tuple([value.type for value in op.results]),
        frozenset(op.properties.items()),
        frozenset(op.attributes.items()),
        op.next_op is None,
        type(op.parent_op()),
        region.first_block is region.last_block,
        tuple([successor.parent is region for successor in op.successors]),
    )


@cache
def _is_plain(kind: type[Operation]) -> bool:
    """Tell whether operations are verified by a definition, types and properties."""
    verify: Any = kind.verify_
    free = dict(zip(verify.__code__.co_freevars, verify.__closure__ or (), strict=True))
    custom = free["custom_verify"].cell_contents if "custom_verify" in free else verify
    plain = custom is Operation.verify_ or kind in PLAIN
    return plain and _sight(kind) is Sight.INWARD
