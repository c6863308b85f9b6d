"""Rewriting expressions: calls, ternaries, `and`, `or`, `not`, chained comparisons."""

import ast
from typing import Any

from qjit.errors import UnsupportedError

from .names import has_walrus
from .template import expression

COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}

# Without arguments these look at the caller's variables, which conversion regroups.
_REFLECTION = ("locals", "vars", "dir")


class Expressions(ast.NodeTransformer):
    """Rewrites the expressions of one function."""

    def __init__(self, filename: str, first_parameter: str | None) -> None:
        self.filename = filename
        self.first_parameter = first_parameter

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Let what is called be converted as well."""
        if isinstance(node.func, ast.Name) and not node.args and not node.keywords:
            if node.func.id == "super" and self.first_parameter is not None:
                return expression(
                    "super(__class__, FIRST)", node, FIRST=self.first_parameter
                )
            if node.func.id in _REFLECTION:
                raise UnsupportedError(
                    f"{self.filename}:{node.lineno}: {node.func.id}() looks at the "
                    "variables of the function around it, which autograph=True "
                    "rewrites. Name the variables, or keep the function as it is "
                    "with @qjit.disable_autograph."
                )
        self.generic_visit(node)
        node.func = expression("_qj.call(F)", node.func, F=node.func)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """Make a ternary choose at run time."""
        self.generic_visit(node)
        if has_walrus(node.body, node.orelse):
            return node
        return expression(
            "_qj.choose(TEST, lambda: BODY, lambda: ORELSE)",
            node,
            TEST=node.test,
            BODY=node.body,
            ORELSE=node.orelse,
        )

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """Make `and` and `or` choose at run time."""
        self.generic_visit(node)
        first, *rest = node.values
        if has_walrus(*rest):
            return node
        name = "and_" if isinstance(node.op, ast.And) else "or_"
        call = expression(f"_qj.{name}(FIRST)", node, FIRST=first)
        assert isinstance(call, ast.Call)
        call.args += [expression("lambda: V", value, V=value) for value in rest]
        return call

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Make `not` work at run time."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Not):
            return node
        return expression("_qj.not_(V)", node, V=node.operand)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """Make a chain of comparisons stop at run time where Python's would."""
        self.generic_visit(node)
        if len(node.ops) == 1 or has_walrus(*node.comparators):
            return node
        call = expression("_qj.chain(LEFT)", node, LEFT=node.left)
        assert isinstance(call, ast.Call)
        for op, right in zip(node.ops, node.comparators, strict=True):
            link = expression(
                f"({COMPARISONS[type(op)]!r}, lambda: RIGHT)", right, RIGHT=right
            )
            call.args.append(link)
        return call

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Let a NumPy array be indexed by a traced value."""
        self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        return expression("_qj.item(A, I)", node, A=node.value, I=index(node.slice))


def index(node: ast.expr) -> ast.expr:
    """Return a subscript as an expression of its own, `a:b` as `slice(a, b)`."""
    if isinstance(node, ast.Tuple):
        items: list[Any] = [index(item) for item in node.elts]
        return ast.copy_location(ast.Tuple(items, ast.Load()), node)
    if not isinstance(node, ast.Slice):
        return node
    none = ast.copy_location(ast.Constant(None), node)
    return expression(
        "_qj.slice(LOWER, UPPER, STEP)",
        node,
        LOWER=node.lower or none,
        UPPER=node.upper or none,
        STEP=node.step or none,
    )
