"""Quantum functions whose two-qubit gates are on the edges of a coupling graph."""

from collections.abc import Mapping
from typing import Any

from qjit.devices.hardware import Pair, coupling_text
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line

from .quantum_functions import with_pass


def route(
    *given: Any,
    coupling: Any,
    errors: Mapping[Pair, float] | None = None,
    trials: int | None = None,
    seed: int = 0,
) -> Any:
    """Return a quantum function with SWAPs, so that gates are between neighbours.

    What it returns is the same. Gates on three wires and more are refused: put the
    pass "decompose-gates" before.

    Args:
        given: the quantum function; without one, a decorator is returned.
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
        ParameterError: for what is no coupling graph.

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
    if trials is not None and trials < 1:
        raise ParameterError(
            f"{user_line()}: route takes at least 1 trial, but got {trials}."
        )
    text = coupling_text(coupling, errors)
    most = "" if trials is None else f" trials={trials}"
    name = f'route-qubits{{coupling="{text}"{most} seed={seed}}}'

    return with_pass("route", given, name)
