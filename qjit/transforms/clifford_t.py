"""Quantum functions of Clifford gates and T."""

from typing import Any

from qjit.diagnostics.numbers import checked_real
from qjit.errors import ParameterError
from qjit.lowering.jax_internals.tracing import user_line
from qjit.lowering.passes.unitaries.clifford_t.gridsynth import (
    LARGEST,
    SMALLEST,
    is_error,
)

from .quantum_functions import with_pass


def clifford_t_decomposition(
    function: Any = None, *, epsilon: float | None = None, each: float | None = None
) -> Any:
    """Return a quantum function whose circuit consists of Clifford gates and T.

    A rotation takes about 3 log2(1 / error) T gates, as few as there can be. Gates for
    an angle that is known only when the program runs are found then, in Python.

    Args:
        function: the quantum function; without it, a decorator is returned.
        epsilon: the error of the circuit in the operator norm, at most 1, and 1e-6 when
            left out. Its rotations share it; those in loops count in each turn.
        each: the error of each rotation instead. It has to be given where loops of
            rotations have a length that is known only when the program runs.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for what is no error, and for both.
        UnsupportedError: on the first call, for matrices that are not known, gates that
            the adjoint method differentiates, and such loops.

    >>> import qjit as qj
    >>> @qj.clifford_t_decomposition(epsilon=1e-3)
    ... @qj.qnode(wires=2)
    ... def circuit():
    ...     qj.RX(0.3, wires=0)
    ...     qj.CNOT([0, 1])
    ...     return qj.probs()
    >>> qj.qjit(circuit).stages()["qnode-passes"].count('"T"')
    29
    """
    return with_pass("clifford_t_decomposition", function, _pass_text(epsilon, each))


def _pass_text(epsilon: float | None, each: float | None) -> str:
    """Return the pass with its options."""
    if epsilon is not None and each is not None:
        raise ParameterError(
            f"{user_line()}: clifford_t_decomposition takes epsilon, the error of the "
            "circuit, or each, that of each rotation, but got both. Leave one out."
        )
    given = {"epsilon": epsilon, "each": each}
    texts: list[str] = []
    for name, error in given.items():
        if error is None:
            continue
        known = checked_real("clifford_t_decomposition", name, error)
        if not is_error(known):
            raise ParameterError(
                f"{user_line()}: {name} is an error from {SMALLEST:g} to {LARGEST:g}, "
                f"but got {error!r}."
            )
        texts.append(f'{{{name}="{known!r}"}}')
    return "clifford-t" + "".join(texts)
