"""Targets: what the compiler knows of a device that circuits run on."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

STATISTICS = ("expval", "var", "probs", "sample", "estimate", "record", "mean")
ALL = frozenset((*STATISTICS, "variance", "state", "density_matrix"))
ALL_PAIRS = "all"
SIMULATE = "simulate"


@dataclass(frozen=True)
class Target:
    """A device: its kind of state, what it can do, and the functions of its runtime."""

    name: str
    doc: str
    prefix: str
    """What the symbols of its runtime begin with."""
    state: str = "vector"
    """The kind of its state: "vector", amplitudes of basis states, or "none"."""
    bytes_per_amplitude: int = 16
    """In double precision; half as many in single precision."""
    most_wires: int = 62
    gates: frozenset[str] | None = None
    """The gates of the table that it runs; None for all. Others are decomposed."""
    modifiers: bool = True
    """Whether its gates may be adjoint, and under further controls."""
    coupling: str = ALL_PAIRS
    """Which qubits two-qubit gates act on, as the pass `route-qubits` takes it."""
    pipeline: str = SIMULATE
    """The pipeline that its circuits go through where a program names none."""
    measurements: frozenset[str] = ALL
    shots: bool = True
    mid_circuit: bool = True
    """Whether measurements and resets may stand between gates."""
    dynamic_wires: bool = True
    """Whether wires may be computed when a program runs."""
    kernels: bool = False
    """Whether its states have the layout that kernels are made for."""
    derivatives: tuple[str, ...] = ("finite-diff", "spsa")
    """The methods that differentiate its circuits."""
    durations: Mapping[str, float] | None = field(default=None, hash=False)
    """How many seconds operations take: by the names of gates, "measure" and "reset",
    and by numbers of wires, such as "2"; None where there is no such thing."""

    def adapted(
        self,
        gates: Iterable[str] | None = None,
        coupling: str | None = None,
        pipeline: str | None = None,
    ) -> "Target":
        """Return the same device where it has these gates, edges and pipeline.

        The adjoint method is none of its own then: gates that it differentiates stay.
        """
        changes: dict[str, Any] = {"coupling": coupling, "pipeline": pipeline}
        if gates is not None:
            shifted = tuple(each for each in self.derivatives if each != "adjoint")
            own = frozenset((*gates, "GlobalPhase"))
            changes |= {"gates": own, "modifiers": False, "derivatives": shifted}
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    @property
    def text(self) -> str:
        """The name, and in braces how the device differs from that of its name."""
        known = TARGETS[self.name]
        if self == known:
            return self.name
        options = {"coupling": self.coupling, "pipeline": self.pipeline}
        if self.gates is not None and self.gates != known.gates:
            options["gates"] = ",".join(sorted(self.gates))
        given = (f"{name}={value}" for name, value in sorted(options.items()))
        return f"{self.name}{{{' '.join(given)}}}"


STATEVECTOR = Target(
    "statevector",
    "The state-vector simulator on this machine's CPU.",
    "__qrt__",
    kernels=True,
    derivatives=("adjoint", "parameter-shift", "hadamard", "finite-diff", "spsa"),
)
REFERENCE = Target(
    "reference",
    "The numpy definition of the IR, run as a host program: slow and obvious.",
    "",
    state="host",
    most_wires=14,
)
NULL = Target(
    "null",
    "Runs nothing, and counts gates, depth and qubits.",
    "__qrt__null_",
    state="none",
    bytes_per_amplitude=0,
    most_wires=1 << 20,
    measurements=frozenset({"resources"}),
    shots=False,
    mid_circuit=False,
    derivatives=(),
)

TARGETS: dict[str, Target] = {
    target.name: target for target in (STATEVECTOR, REFERENCE, NULL)
}


def find_target(text: str) -> Target:
    """Return the device of a text.

    >>> find_target("statevector{coupling=line gates=CZ,RX}").coupling
    'line'
    """
    name, _, rest = text.partition("{")
    options: dict[str, Any] = dict(re.findall(r"(\w+)=([^\s}]*)", rest))
    if "gates" in options:
        options["gates"] = options["gates"].split(",")
    return TARGETS[name].adapted(**options)
