"""Patterns of xDSL as passes."""

from dataclasses import dataclass
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.pattern_rewriter import PatternRewriteWalker


@dataclass(frozen=True)
class PatternPass:
    """Rewrites operations by a pattern, given as a class or an object, to the end."""

    name: str
    pattern: Any

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite a module."""
        made = self.pattern() if isinstance(self.pattern, type) else self.pattern
        PatternRewriteWalker(made).rewrite_module(op)
