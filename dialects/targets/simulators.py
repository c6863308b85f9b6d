"""Devices that are part of qjit."""

from .record import Target

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
