"""Patterns of xDSL as passes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, PatternRewriteWalker


@dataclass(frozen=True)
class PatternPass:
    """Rewrites operations by a pattern, given as a class or an object, to the end."""

    name: str
    pattern: Any

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite a module."""
        made = self.pattern() if isinstance(self.pattern, type) else self.pattern
        PatternRewriteWalker(made).rewrite_module(op)


def replace_op(
    rewriter: PatternRewriter,
    op: Operation,
    new_ops: Operation | Sequence[Operation],
    new_results: Sequence[SSAValue | None] | None = None,
) -> None:
    """Replace an operation; what does it has other names in releases of xDSL."""
    name = "replace" if hasattr(rewriter, "replace") else "replace_op"
    getattr(rewriter, name)(op, new_ops, new_results)
