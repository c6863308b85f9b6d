"""Functions from one quantum function to another."""

from typing import Any

from qjit.devices.shots import checked_shots
from qjit.errors import ArgumentError
from qjit.jit.qnode import QNode
from qjit.lowering.jax_internals.tracing import user_line


def set_shots(*given: Any, shots: Any = None) -> Any:
    """Return a quantum function with another number of shots.

    Args:
        given: the quantum function, the shots, or both; the shots alone make a
            decorator of quantum functions.
        shots: the shots, by name: a number, a shot vector as `qnode` takes it, or None
            for exact results.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function.
        ParameterError: for other shots.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.X(0)
    ...     return qj.expval(qj.Z(0))
    >>> print(qj.set_shots(circuit, shots=[10, (20, 2)])())
    (Array(-1., dtype=float64), Array(-1., dtype=float64), Array(-1., dtype=float64))
    """
    functions = [each for each in given if callable(each)]
    numbers = [each for each in given if not callable(each)]
    chosen = checked_shots(numbers[0] if numbers else shots)

    def change(function: Any) -> QNode:
        if not isinstance(function, QNode):
            raise ArgumentError(
                f"{user_line()}: set_shots takes a quantum function, but got "
                f"{type(function).__name__}. Pass what qjit.qnode made, and apply "
                "qjit.qjit to the result."
            )
        return function.with_shots(chosen)

    return change(functions[0]) if functions else change
