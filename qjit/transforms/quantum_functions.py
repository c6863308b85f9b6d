"""Functions from one quantum function to another."""

from typing import Any

from qjit.devices.shots import checked_shots
from qjit.errors import ArgumentError
from qjit.jit.qnode import QNode
from qjit.lowering.jax_internals.tracing import user_line


def quantum_function(name: str, given: Any) -> QNode:
    """Return what is given to a function of this name, if it is a quantum function.

    Raises:
        ArgumentError: if it is none.
    """
    if not isinstance(given, QNode):
        raise ArgumentError(
            f"{user_line()}: {name} takes a quantum function, but got "
            f"{type(given).__name__}. Pass what qjit.qnode made, and apply "
            "qjit.qjit to the result."
        )
    return given


def with_pass(name: str, function: Any, step: str) -> Any:
    """Return a quantum function with one more pass; if it is None, what adds the pass.

    Raises:
        ArgumentError: for what is no quantum function.
    """

    def change(function: Any) -> QNode:
        return quantum_function(name, function).with_passes([step])

    return change if function is None else change(function)


def set_shots(*given: Any, shots: Any = "unset") -> Any:
    """Return a quantum function with another number of shots.

    Args:
        given: the quantum function, the shots, or both; the shots alone make a
            decorator of quantum functions.
        shots: the shots, by name: a number, a shot vector as `qnode` takes it, or None
            for exact results.

    Returns:
        A quantum function; the given one stays as it was.

    Raises:
        ArgumentError: for what is no quantum function, and for more than one, or
            shots that are given twice.
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
    if not isinstance(shots, str) or shots != "unset":
        numbers.append(shots)
    if len(functions) > 1 or len(numbers) > 1:
        raise ArgumentError(
            f"{user_line()}: set_shots takes one quantum function and its shots, but "
            f"got {len(functions)} and {len(numbers)}. Give each once."
        )
    chosen = checked_shots(numbers[0] if numbers else None)

    def change(function: Any) -> QNode:
        return quantum_function("set_shots", function).with_shots(chosen)

    return change(functions[0]) if functions else change
