"""Libraries of devices, compiled for tests by the system's compilers."""

import atexit
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from qjit.runtime import abi
from tests.support.paths import ROOT

EXAMPLES = ROOT / "runtime" / "abi" / "examples"
FAULTY = ROOT / "tests" / "support" / "faulty_device.c"
STRICT = "-Wall", "-Wextra", "-Werror", "-pedantic"


@cache
def folder() -> Path:
    """Return the folder of libraries of this process."""
    made = Path(mkdtemp(prefix="qjit-devices-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def built(source: Path, name: str, *options: str, within: Path | None = None) -> str:
    """Compile a source in C or C++ as a library, and return its path.

    Tests are skipped where there is no compiler.
    """
    is_c = source.suffix == ".c"
    compiler = shutil.which("cc" if is_c else "c++")
    if compiler is None:
        pytest.skip(f"no compiler for {source.name} is installed")
    target = (within or folder()) / f"lib{name}.so"
    standard = "-std=c11" if is_c else "-std=c++17"
    command = [compiler, standard, *STRICT, "-O1", "-shared", "-fPIC", *options]
    include = "-I", abi.include_directory()
    subprocess.run(
        [*command, *include, str(source), "-o", str(target), "-lm"], check=True
    )
    return str(target)


def toy() -> str:
    """Return the library of the state-vector simulator in C."""
    return built(EXAMPLES / "toy_simulator.c", "toy")


def clifford() -> str:
    """Return the library of the stabiliser simulator in C++."""
    return built(EXAMPLES / "clifford.cpp", "clifford")


def faulty(*options: str) -> str:
    """Return a library that fails where its configuration says so."""
    return built(FAULTY, f"faulty{abs(hash(options))}", *options)
