"""What gets installed: one package, with its data files."""

import inspect
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import qjit as qj
from tests.support.paths import ROOT

SOURCES = ("qjit", "dialects", "lowering", "runtime")


def test_installs_one_top_level_name() -> None:
    top_level = distribution("qjit").read_text("top_level.txt") or ""
    assert top_level.split() == ["qjit"]


def test_the_wheel_holds_every_source_file(tmp_path: Path) -> None:
    for folder in SOURCES:
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    build = "from setuptools.build_meta import build_wheel; build_wheel('dist')"
    (tmp_path / "dist").mkdir()
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, check=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    shipped = {name for name in names if "info/" not in name}
    expected = {
        path.relative_to(ROOT).as_posix().removeprefix("qjit/")
        for folder in SOURCES
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".json", ".h", ".typed", ".c", ".cpp"}
    }
    assert shipped == {f"qjit/{name}" for name in expected}


def test_only_public_modules_are_shown() -> None:
    shown = {name for name in dir(qj) if inspect.ismodule(getattr(qj, name))}
    assert shown == {"cache", "data", "errors", "jobs"}
