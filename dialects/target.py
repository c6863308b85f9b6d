"""Targets: what the compiler knows of a device that circuits run on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

STATISTICS = ("expval", "var", "probs", "sample", "estimate", "record", "mean")
ALL = frozenset((*STATISTICS, "variance", "state", "density_matrix"))


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
