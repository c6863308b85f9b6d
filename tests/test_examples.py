"""The README's example and the scripts of docs/examples run and tell the truth."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT


def test_readme_example() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    trained = names["train"](names["jax"].numpy.array([0.3]))
    assert float(names["energy"](trained)) == pytest.approx(-(1.25**0.5), abs=1e-4)


def run_vqe(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "docs" / "examples" / "vqe.py"
    return subprocess.run(
        [sys.executable, script, *arguments, "--output", tmp_path / "vqe.png"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name, error", [("h2", 1e-6), ("h4", 1e-4)])
def test_vqe_reaches_the_ground_state(name: str, error: float, tmp_path: Path) -> None:
    result = run_vqe(tmp_path, name, "--steps", "120")
    assert result.returncode == 0, result.stderr
    energies = dict(re.findall(r"^(\S+) +(-[\d.]+) hartree$", result.stdout, re.M))
    values = {key: float(value) for key, value in energies.items()}
    assert values["exact"] - 1e-8 <= values["VQE"] <= values["exact"] + error
    assert values["VQE"] < values["Hartree-Fock"]
    assert result.stdout.count("  step ") >= 10
    assert re.search(r"compiled in [\d.]+ s, ran 120 steps in [\d.]+ s", result.stdout)
    assert (tmp_path / "vqe.png").read_bytes().startswith(b"\x89PNG")


def test_vqe_refuses_an_unknown_molecule(tmp_path: Path) -> None:
    result = run_vqe(tmp_path, "caffeine")
    assert result.returncode == 2
    assert "invalid choice" in result.stderr
