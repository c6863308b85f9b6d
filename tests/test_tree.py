"""The layers point one way, no imports go round, and everything stays readable."""

import ast
import re
from collections import defaultdict
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LAYERS = ("runtime", "dialects", "lowering", "qjit")
# Folders that follow one another: each may import those before it.
ORDERS = {
    "qjit.runtime": ("abi", "target", "codegen", "system", "statevector", "devices"),
    "qjit.dialects": ("gates", "quantum", "statevector", "interpreter"),
    "qjit.lowering": (
        *("jax_internals", "jaxpr", "analysis", "native", "kernels", "importer"),
        *("passes", "conversion", "driver"),
    ),
    "qjit": (
        *("errors", "diagnostics", "tracing", "autograph", "ops", "measurements"),
        *("gradients", "devices", "jit", "transforms", "inspection"),
        "exchange",
    ),
}
# Stages of the compiler: none knows another's code, only the IR between them.
STAGES = ("importer", "passes", "conversion")
MOST_ENTRIES = 14


def name_of(path: Path) -> str:
    """Return the module that a file is imported as."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts if parts[0] == "qjit" else ("qjit", *parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    name_of(path): path
    for layer in LAYERS
    for path in sorted((ROOT / layer).rglob("*.py"))
    if layer != "qjit" or path.relative_to(ROOT).parts[1] not in LAYERS
}
FOLDERS = sorted({path.parent for path in FILES.values()})


@cache
def imports(name: str) -> frozenset[str]:
    """Return the files that a file imports, also in functions and for types only."""
    path = FILES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    result: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            parts = [*above] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            names = (f"{base}.{alias.name}" for alias in node.names)
            found = [each if each in FILES else base for each in names]
        else:
            continue
        result |= {each for each in found if each in FILES and each != name}
    return frozenset(result)


def layer_of(name: str) -> int:
    """Return the layer of a file; errors are shared by all."""
    part = [*name.split("."), ""][1]
    return LAYERS.index(part) if part in LAYERS else len(LAYERS) - 1


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function, leaving its docstring out."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return lines
    docstring = node.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


@pytest.mark.parametrize("name", FILES)
def test_layers_and_sizes(name: str) -> None:
    text = FILES[name].read_text()
    for other in imports(name):
        assert layer_of(other) <= layer_of(name), f"{name} imports {other}"
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert body_lines(node) <= 60, f"{node.name} is too long"


def test_no_imports_go_round() -> None:
    graph = TopologicalSorter({name: set(imports(name)) for name in FILES})
    graph.prepare()  # raises CycleError, which names the files


def folder_graph(depth: int) -> dict[str, set[str]]:
    """Return which folders, so many levels below the package, import which others."""

    def folder(name: str) -> str:
        path = FILES[name]
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        parts = package.split(".")
        in_layer = len(parts) > 1 and parts[1] in LAYERS
        return ".".join(parts[: depth + 1 + in_layer])

    graph: dict[str, set[str]] = defaultdict(set)
    for name in FILES:
        graph[folder(name)] |= {folder(other) for other in imports(name)}
    return {name: others - {name} for name, others in graph.items() if name != "qjit"}


def test_no_folders_go_round() -> None:
    TopologicalSorter(folder_graph(1)).prepare()


@pytest.mark.parametrize("package", ORDERS)
def test_folders_are_in_order(package: str) -> None:
    order = ORDERS[package]

    def place(name: str) -> int:
        part = name.removeprefix(f"{package}.").partition(".")[0]
        return order.index(part) if name.startswith(package) and part in order else -1

    for name in FILES:
        for other in imports(name) if place(name) >= 0 else ():
            assert place(other) <= place(name), f"{name} imports {other}"


def test_stages_do_not_know_one_another() -> None:
    def stage(name: str) -> str:
        part = [*name.split("."), "", ""][2]
        return part if name.startswith("qjit.lowering.") and part in STAGES else ""

    for name in FILES:
        for other in imports(name) if stage(name) else ():
            assert stage(other) in ("", stage(name)), f"{name} imports {other}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_folders_are_small_packages(folder: Path) -> None:
    entries = [
        path
        for path in folder.iterdir()
        if path.suffix == ".py" or (path.is_dir() and not path.is_symlink())
    ]
    assert len([path for path in entries if path.name != "__pycache__"]) <= MOST_ENTRIES
    assert (folder / "__init__.py").exists()


def test_no_catch_all_modules() -> None:
    banned = {"utils.py", "helpers.py", "common.py", "base.py"}
    assert not [path for path in FILES.values() if path.name in banned]


def test_layers_are_one_package() -> None:
    for layer in LAYERS[:-1]:
        assert (ROOT / "qjit" / layer).resolve() == ROOT / layer


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_documents_name_what_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    named = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`", text)
    assert len(named) > 5
    assert not [path for path in named if not (ROOT / path).exists()]
