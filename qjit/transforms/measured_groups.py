"""Quantum functions that measure in groups of observables, or bits only."""

from typing import Any

from qjit.errors import ParameterError
from qjit.lowering.analysis.observable_groupings import (
    RUNS,
    grouping_named,
    names_of,
)
from qjit.lowering.jax_internals.tracing import user_line

from .quantum_functions import with_pass


def split_non_commuting(function: Any = None, *, grouping: str = "qubit-wise") -> Any:
    """Return a quantum function that runs once for each group of observables.

    A device measures only observables that commute in one run. What the function
    returns is the same; sums of observables are added up from the groups of their
    terms. Outcomes of measurements on the way belong to one run: with these, more than
    one group is refused.

    Args:
        function: the quantum function; without it, a decorator is returned.
        grouping: "qubit-wise" or "qwc" for groups of Pauli words that agree wherever
            both act, "commuting" for words that commute, which are fewer groups and
            need gates between wires, "none" for each word by itself.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for another grouping.
        UnsupportedError: on the first call, if the function cannot run twice.

    >>> import qjit as qj
    >>> @qj.split_non_commuting(grouping="commuting")
    ... @qj.qnode(wires=2)
    ... def circuit():
    ...     return qj.expval(qj.pauli_sum([1.0, 2.0, 4.0], ["XX", "ZZ", "ZI"]))
    >>> print(circuit())
    6.0
    >>> qj.qjit(circuit).stages()["qnode-passes"].count("quantum.alloc")
    2
    """
    found = grouping_named(grouping, RUNS)
    if found is None:
        raise ParameterError(
            f"{user_line()}: split_non_commuting takes grouping "
            f"{', '.join(map(repr, names_of(RUNS)))}, but got {grouping!r}."
        )
    name = f"split-non-commuting{{grouping={found}}}"
    return with_pass("split_non_commuting", function, name)


def diagonalize_measurements(function: Any = None) -> Any:
    """Return a quantum function that measures in the computational basis only.

    Gates before the measurements turn their basis: H and S on single wires, Clifford
    circuits for Pauli words that commute without a common basis of each wire, and
    those of the eigenvectors of known matrices. What it returns is the same.

    Args:
        function: the quantum function; without it, a decorator is returned.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        UnsupportedError: on the first call, for observables that do not commute, which
            `split_non_commuting` parts, and for matrices that are traced.

    >>> import qjit as qj
    >>> @qj.diagonalize_measurements
    ... @qj.qnode(wires=2)
    ... def circuit():
    ...     return qj.expval(qj.X(0) @ qj.X(1)), qj.expval(qj.Z(0) @ qj.Z(1))
    >>> stages = qj.qjit(circuit).stages()
    >>> print([line.split('"')[1] for line in stages["qnode-passes"].splitlines()
    ...        if "quantum.gate" in line])
    ['CNOT', 'H']
    """
    return with_pass("diagonalize_measurements", function, "diagonalize-measurements")
