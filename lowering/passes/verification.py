"""Verification of the IR between the passes of a program."""

from typing import Any

from xdsl.dialects.builtin import ModuleOp


class Verifier:
    """Verifies a module again where something in it has changed."""

    def __init__(self, *, enabled: bool) -> None:
        """Verify nothing unless enabled."""
        self._enabled = enabled
        self._known: list[tuple[Any, ...]] | None = None

    def check(self, module: ModuleOp) -> None:
        """Raise unless the module is valid."""
        if not self._enabled:
            return
        content = [
            (op, op.parent, *op.operands, *op.properties.values(), dict(op.attributes))
            for op in module.walk()
        ]
        if content != self._known:
            module.verify()
        self._known = content
