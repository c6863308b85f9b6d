"""What circuits need: the measurement of the device "null"."""

import jax

from qjit.lowering.jaxpr.primitives import resources_p
from qjit.tracing.context import current


def resources() -> jax.Array:
    """Return how many gates and layers a circuit has, and on how many qubits.

    It is what the device "null" measures, which has no state: circuits may be of
    thousands of qubits and millions of gates. Counted are the gates that would run,
    which are fewer than those written where passes cancel or merge some.

    Returns:
        Three integers: the number of gates; the depth, which is the number of gates on
        the longest way along qubits; and the number of qubits that gates act on.

    >>> import qjit as qj
    >>> @qj.qnode(qj.device("null", wires=1000))
    ... def circuit():
    ...     for wire in range(999):
    ...         qj.CNOT([wire, wire + 1])
    ...     return qj.resources()
    >>> print(circuit())
    [ 999  999 1000]
    """
    context = current("resources")
    context.order.all()
    return resources_p.bind()[0]
