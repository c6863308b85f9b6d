"""Quantum functions whose two-qubit gates are on the edges of a coupling graph."""

from collections.abc import Mapping
from typing import Any

from qjit.devices.hardware import Pair, coupling_text
from qjit.diagnostics.numbers import checked_integer

from .quantum_functions import with_pass


def route(
    function: Any = None,
    *,
    coupling: Any,
    errors: Mapping[Pair, float] | None = None,
    trials: int | None = None,
    seed: int = 0,
) -> Any:
    """Return a quantum function with SWAPs, so that gates are between neighbours.

    What it returns is the same. On a device it comes after the device's passes, and one
    that has a coupling itself needs none. Gates on three wires and more are refused:
    put the pass "decompose-gates" before.

    Args:
        function: the quantum function; without it, a decorator is returned.
        coupling: which qubits are neighbours: "line", "ring", "star", "grid:3x4",
            "heavy-hex:3", "all", edges as in "0-1,1-2" or as pairs, or a graph of
            networkx or rustworkx. There may be more qubits than wires.
        errors: the error of a gate by pair of qubits; those with less are preferred.
        trials: how many layouts are tried, by default fewer for larger circuits.
        seed: the seed of the search.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        UnsupportedError: on the first call, for a circuit that is routed already.
        ParameterError: for what is no coupling graph, no number of trials or no seed.

    >>> import qjit as qj
    >>> @qj.route(coupling="line")
    ... @qj.qnode(wires=3)
    ... def circuit():
    ...     qj.Hadamard(0)
    ...     qj.CNOT([0, 1])
    ...     qj.CNOT([1, 2])
    ...     qj.CNOT([0, 2])
    ...     return qj.probs()
    >>> qj.qjit(circuit).stages()["qnode-passes"].count("SWAP")
    1
    """
    options = [f'coupling="{coupling_text(coupling, errors)}"']
    if trials is not None:
        options.append(f"trials={checked_integer('route', 'trials', trials, 1)}")
    options.append(f"seed={checked_integer('route', 'seed', seed, 0)}")

    return with_pass("route", function, f"route-qubits{{{' '.join(options)}}}")
