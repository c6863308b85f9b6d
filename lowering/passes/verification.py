"""Verification of the IR between the passes of a program."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.traits import (
    ConditionallySpeculatable,
    HasFolder,
    HasParent,
    IsTerminator,
    OpTrait,
    SameOperandsAndResultType,
    SingleBlockImplicitTerminator,
    SymbolOpInterface,
)

from qjit.runtime.recent import Recent

# Traits that verify nothing but what `_content` holds of an operation and its regions.
INWARD = (
    ConditionallySpeculatable,
    HasFolder,
    HasParent,
    IsTerminator,
    SameOperandsAndResultType,
    SingleBlockImplicitTerminator,
    SymbolOpInterface,
)

# Kinds of operations that are valid, wherever they are.
_valid: Recent[tuple[Any, ...], bool] = Recent()


class Verifier:
    """Verifies the operations of a module that are new or changed, or hold such.

    Those whose traits look beyond themselves and their regions are verified whenever
    anything has changed.
    """

    def __init__(self, *, enabled: bool) -> None:
        """Verify nothing unless enabled."""
        self._enabled = enabled
        self._known: dict[Operation, tuple[Any, ...]] = {}

    def check(self, module: ModuleOp) -> None:
        """Raise unless the module is valid."""
        if not self._enabled:
            return
        present = {op: _content(op) for op in module.walk()}
        changed = self._changed(present)
        if changed or list(present) != list(self._known):
            for op in present:
                if op in changed or _looks_around(type(op)):
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


def _content(op: Operation) -> tuple[Any, ...]:
    """Return all that the validity of an operation depends on, but what is nested."""
    return (
        op.parent,
        op.parent_op(),
        op.next_op is None,
        tuple(op.operands),
        tuple([value.type for value in op.operands]),
        tuple([value.type for value in op.results]),
        dict(op.properties),
        dict(op.attributes),
        tuple(op.successors),
        *_inside(op),
    )


def _inside(op: Operation) -> Iterator[Any]:
    """Yield the blocks of an operation, their arguments, and their operations."""
    for region in op.regions:
        yield tuple(region.blocks)
        for block in region.blocks:
            yield tuple([value.type for value in block.args])
            yield tuple(block.ops)


@cache
def _looks_around(kind: type[Operation]) -> bool:
    """Tell whether a trait of operations verifies something beyond them."""
    return any(
        type(trait).verify is not OpTrait.verify and not isinstance(trait, INWARD)
        for trait in kind.traits
    )


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

    It is None where the operation is verified by more than its definition.
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
    """Tell whether nothing but a definition verifies operations."""
    verify: Any = kind.verify_
    free = dict(zip(verify.__code__.co_freevars, verify.__closure__ or (), strict=True))
    custom = free["custom_verify"].cell_contents if "custom_verify" in free else verify
    return custom is Operation.verify_ and not _looks_around(kind)
