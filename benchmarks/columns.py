"""The columns of the tables: frameworks, in environments of their own, and settings."""

import os
import runpy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
# NOTE: read, because the environments of peers have no qjit.
STEPS: tuple[str, ...] = runpy.run_path(str(ROOT / "runtime" / "settings.py"))["STEPS"]


@dataclass(frozen=True)
class Column:
    """A framework with its settings, in a process of its own."""

    title: str
    framework: str
    environment: str = ""  # qjit's own, or .venv-<environment>
    threads: int = 1
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> str:
        """The interpreter of its environment."""
        if not self.environment:
            return sys.executable
        return str(ROOT / f".venv-{self.environment}" / "bin" / "python")


EARLIER = os.environ.get("QJIT_EARLIER", "")
"""The folder of an earlier version of qjit, which the table "versions" runs as well."""
FRAMEWORKS = {
    "qjit": Column("qjit", "qjit", settings={"PYTHONPATH": str(ROOT)}),
    "earlier": Column("qjit, earlier", "qjit", settings={"PYTHONPATH": EARLIER}),
    "passes": Column("passes over memory", "passes"),
    "jax": Column("jax.jit", "jax"),
    "catalyst": Column("Catalyst", "catalyst", "catalyst"),
    "lightning": Column("Lightning", "lightning", "catalyst"),
    "direct": Column("Lightning, direct", "direct", "catalyst"),
    "default": Column("default.qubit", "default", "catalyst"),
    "tensorcircuit": Column("TensorCircuit", "tensorcircuit", "peers"),
    "qulacs": Column("qulacs", "qulacs", "peers"),
    "qsim": Column("qsim", "qsim", "simulators"),
    "qsim-angles": Column("qsim, new angles", "qsim-angles", "simulators"),
    "aer": Column("Qiskit Aer", "aer", "simulators"),
}
THREADS = {
    f"{name}-2": Column(
        f"{FRAMEWORKS[name].title}, 2 threads", name, FRAMEWORKS[name].environment, 2
    )
    for name in ("qjit", "passes", "qulacs", "aer")
}


def _variants() -> Iterator[tuple[str, Column]]:
    for step in STEPS:
        name = f"without {step}"
        yield name, Column(name, "qjit", settings={"QJIT_WITHOUT": step})


VARIANTS = dict(_variants())
COLUMNS = FRAMEWORKS | THREADS | VARIANTS
