"""Every public name is documented by an example, and every example is true."""

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import qjit as qj
from qjit.dialects.gates import GATES
from tests.support.paths import ROOT

MODULES = [
    name
    for _, name, _ in pkgutil.walk_packages(qj.__path__, "qjit.")
    if ">>> " in inspect.getsource(importlib.import_module(name))
]
PAGES = [path for path in (ROOT / "docs").glob("*.md") if ">>> " in path.read_text()]
PUBLIC = {
    name: value
    for name in dir(qj)
    if not name.startswith("_") and inspect.isfunction(value := getattr(qj, name))
}


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_modules(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_of_pages(page: Path) -> None:
    assert doctest.testfile(str(page), module_relative=False).failed == 0


@pytest.mark.parametrize("gate", GATES)
def test_examples_of_gates(gate: str) -> None:
    function = getattr(qj, gate, None)
    if function is None:
        pytest.skip("the gate has no function of its own")
    finder = doctest.DocTestFinder()
    runner = doctest.DocTestRunner()
    for test in finder.find(function, gate, module=False, globs={}):
        assert runner.run(test).failed == 0


@pytest.mark.parametrize("name", PUBLIC)
def test_public_functions_have_examples(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert ">>> " in text
    first, *rest = text.split("\n")
    assert first.endswith((".", "..."))
    assert not rest or rest[0] == ""
