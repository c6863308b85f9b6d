"""Verification of the IR between the passes of a program."""

from functools import cache
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.traits import OpTrait


class Verifier:
    """Verifies the operations of a module that are new or changed.

    Those that look beyond themselves, through their regions or their traits, are
    verified whenever anything has changed.
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
        if list(present) != list(self._known) or present != self._known:
            for op, content in present.items():
                if not _is_local(op) or self._known.get(op) != content:
                    _verify(op)
        self._known = present


def _content(op: Operation) -> tuple[Any, ...]:
    """Return all that the validity of an operation without regions depends on."""
    return (
        op.parent,
        op.next_op is None,
        tuple(op.operands),
        tuple([value.type for value in op.operands]),
        tuple([value.type for value in op.results]),
        dict(op.properties),
        dict(op.attributes),
        tuple(op.successors),
    )


def _is_local(op: Operation) -> bool:
    return not op.regions and not _looks_around(type(op))


@cache
def _looks_around(kind: type[Operation]) -> bool:
    """Tell whether a trait of operations verifies something."""
    return any(type(trait).verify is not OpTrait.verify for trait in kind.traits)


def _verify(op: Operation) -> None:
    """Verify an operation and the frames of its regions, but not what is in them."""
    op.verify(verify_nested_ops=False)
    for region in op.regions:
        for block in region.blocks:
            if block.parent is not region:
                raise ValueError(f"a block of {op.name} has another parent")
            if block.first_op is None:
                block.verify()
