"""Code written as text, with places for syntax trees to be filled in."""

import ast
import copy
import functools
from typing import Any

Part = str | ast.expr | list[ast.stmt]


@functools.cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


class _Fill(ast.NodeTransformer):
    def __init__(self, origin: ast.AST, parts: dict[str, Part]) -> None:
        self.origin = origin
        self.parts = parts

    def visit(self, node: ast.AST) -> Any:
        """Move a node of the template to the origin's line, and fill it in."""
        if "lineno" in node._attributes:
            ast.copy_location(node, self.origin)
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        part = self.parts.get(node.id, node)
        if isinstance(part, str):
            return ast.copy_location(ast.Name(part, node.ctx), node)
        assert isinstance(part, ast.expr)
        return part

    def visit_Expr(self, node: ast.Expr) -> Any:
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        part = self.parts.get(name)
        return part if isinstance(part, list) else self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        part = self.parts.get(node.name)
        if isinstance(part, str):
            node.name = part
        return self.generic_visit(node)


def statements(text: str, origin: ast.AST, **parts: Part) -> list[ast.stmt]:
    """Return the statements of a text, at a line, with parts filled in."""
    tree = copy.deepcopy(_parsed(text))
    return _Fill(origin, parts).visit(tree).body


def expression(text: str, origin: ast.AST, **parts: Part) -> ast.expr:
    """Return the expression of a text, at a line, with parts filled in."""
    (statement,) = statements(text, origin, **parts)
    assert isinstance(statement, ast.Expr)
    return statement.value
