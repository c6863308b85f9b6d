"""Programs in errors/ raise what their .err says; QJIT_UPDATE_GOLDEN=1 rewrites it."""

import os
import re
from pathlib import Path

import jax
import pytest

from qjit.errors import QJitError

PROGRAMS = sorted((Path(__file__).parent / "errors").glob("*.py"))
AT_RUN_TIME = [path for path in PROGRAMS if path.stem.startswith("run_")]
UPDATE = "QJIT_UPDATE_GOLDEN" in os.environ


def error_of(path: Path, wrapped: str = "f") -> Exception:
    """Run a program, with its quantum functions wrapped, and return what it raises."""
    decorator = rf"@lambda f: (lambda f: {wrapped})(\1(f))"
    source = re.sub(r"^@(qj\.qnode.*)$", decorator, path.read_text(), flags=re.M)
    with pytest.raises(Exception) as caught:
        exec(compile(source, path, "exec"), {"jax": jax})
    return caught.value


def wording(error: Exception) -> str:
    """Return class and message, without what differs between machines."""
    builtin = next(k for k in type(error).__mro__ if k.__module__ == "builtins")
    text = re.sub(r"/\S*/(\w+\.py)", r"\1", str(error))
    text = re.sub(r"[\d.]+ .iB( of memory is available)", r"SOME\1", text)
    return f"{type(error).__name__}({builtin.__name__}): {text}\n"


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_mistake(path: Path) -> None:
    expected = path.with_suffix(".err")
    found = wording(error_of(path))
    if UPDATE:
        expected.write_text(found)
    assert found == expected.read_text()
    assert found.split(": ")[1].startswith(f"{path.name}:"), "it names no line"
    again = error_of(path, "qj.qjit(f)")
    assert isinstance(again, QJitError)
    assert wording(again) == found


@pytest.mark.parametrize("path", AT_RUN_TIME, ids=lambda path: path.stem)
def test_mistake_under_plain_jit(path: Path) -> None:
    text = path.with_suffix(".err").read_text().split(": ", 1)[1].strip()
    assert text in wording(error_of(path, "jax.jit(f)"))
