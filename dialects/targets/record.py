"""Targets: what the compiler knows of a device that circuits run on."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .openqasm import QasmDialect
from .qir import QirDialect

STATISTICS = ("expval", "var", "probs", "sample", "estimate", "record", "mean")
ALL = frozenset((*STATISTICS, "variance", "state", "density_matrix"))
BY_SHOTS = frozenset({"sample", "estimate", "record"})
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
    """The kind of its state: "vector", amplitudes of basis states; "host", the same in
    Python; "none"; "device" where a library of others has it; or "remote" where a
    runtime of others runs its circuits."""
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

    language: QirDialect | QasmDialect | None = None
    """The language that its circuits are written in; None where they are native."""
    runtime: str | None = None
    """The backend that runs what is written, by its name; None if nothing here does."""
    machine: str | None = None
    """The option of the backend that says which machine, if it takes one."""
    is_described: bool = False
    """Whether the backend tells the gates, edges and times of its machine."""
    options: str = ""
    """The options of the backend, as JSON."""
    most_shots: int | None = None
    """How many shots it takes at once, where that is known."""

    def adapted(
        self,
        gates: Iterable[str] | None = None,
        coupling: str | None = None,
        pipeline: str | None = None,
        durations: Mapping[str, float] | None = None,
        options: str | None = None,
    ) -> "Target":
        """Return the same device where it has these gates, edges and so on.

        The adjoint method is none of its own then: gates that it differentiates stay.
        """
        changes: dict[str, Any] = {
            "coupling": coupling,
            "pipeline": pipeline,
            "durations": durations,
            "options": options,
        }
        if gates is not None:
            shifted = tuple(each for each in self.derivatives if each != "adjoint")
            own = frozenset((*gates, "GlobalPhase"))
            changes |= {"gates": own, "modifiers": False, "derivatives": shifted}
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    def difference(self, known: "Target") -> str:
        """Return the name, and in braces how the device differs from a known one."""
        if self == known and self.durations == known.durations:
            return self.name
        options = {"coupling": self.coupling, "pipeline": self.pipeline}
        if self.gates is not None and self.gates != known.gates:
            options["gates"] = ",".join(sorted(self.gates))
        if self.durations is not None and self.durations != known.durations:
            each = (f"{k}:{seconds!r}" for k, seconds in sorted(self.durations.items()))
            options["durations"] = ",".join(each)
        if self.options:
            # Quotes and braces would end what attributes and pipelines are made of.
            options["options"] = urlsafe_b64encode(self.options.encode()).decode()
        given = (f"{name}={value}" for name, value in sorted(options.items()))
        return f"{self.name}{{{' '.join(given)}}}"

    def with_difference(self, text: str) -> "Target":
        """Return the device that differs as the text in the braces says."""
        options: dict[str, Any] = dict(re.findall(r"(\w+)=([^\s}]*)", text))
        if "gates" in options:
            options["gates"] = options["gates"].split(",")
        if "durations" in options:
            pairs = (each.split(":") for each in options["durations"].split(","))
            options["durations"] = {name: float(seconds) for name, seconds in pairs}
        if "options" in options:
            options["options"] = urlsafe_b64decode(options["options"]).decode()
        return self.adapted(**options)
