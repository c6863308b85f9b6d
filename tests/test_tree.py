"""The layers point one way, and every file and function stays readable."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LAYERS = ("runtime", "dialects", "lowering", "qjit")
ROOT = Path(__file__).parents[1]
FILES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def rank(module: str) -> int:
    """Return the layer that an absolute `qjit...` module belongs to."""
    parts = module.split(".")
    return LAYERS.index(parts[1] if parts[1:2] and parts[1] in LAYERS else "qjit")


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function, leaving its docstring out."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return lines
    docstring = node.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers_and_sizes(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    layer = path.relative_to(ROOT).parts[0]
    for module in imported_modules(tree):
        if module.split(".")[0] == "qjit":
            assert rank(module) <= LAYERS.index(layer), f"{path} imports {module}"
    assert text.count("\n") <= 500
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert body_lines(node) <= 60, f"{node.name} is too long"


def test_no_catch_all_modules() -> None:
    banned = {"utils.py", "helpers.py", "common.py", "base.py"}
    assert not [path for path in FILES if path.name in banned]


def test_folders_are_one_package() -> None:
    for layer in LAYERS[:-1]:
        assert (ROOT / "qjit" / layer).resolve() == ROOT / layer
