"""Looking into a running program: assertions, and states between gates."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import Primitive

from qjit.diagnostics.keywords import keywords
from qjit.errors import (
    DebugAssertionError,
    MeasurementError,
    ParameterTypeError,
    UnsupportedError,
)
from qjit.jit.function import QJIT
from qjit.jit.qnode import QNode
from qjit.lowering.jax_internals.tracing import (
    ad,
    allow_effect,
    batching,
    effects,
    innermost_trace,
    mlir,
    trace_state_clean,
    user_line,
)
from qjit.lowering.jaxpr.primitives import snapshot_p
from qjit.tracing.checks import CODES
from qjit.tracing.context import current
from qjit.tracing.native_calls import native_call

RESULTS = "execution_results"


class DebugAssertEffect(effects.Effect):
    """The effect of an assertion, which runs although nobody reads a result."""

    _name: ClassVar[str] = "DebugAssert"

    def __str__(self) -> str:
        return self._name


allow_effect(DebugAssertEffect)
debug_assert_effect = DebugAssertEffect()

# Operands: whether what is asserted holds.
debug_assert_p = Primitive("debug_assert")
debug_assert_p.multiple_results = True


def debug_assert(condition: Any, message: Any) -> None:
    """Raise an error when the program runs and a condition does not hold.

    Args:
        condition: a boolean or a number, known or traced; of an array, all elements
            have to be true.
        message: what the error says, a string.

    Raises:
        DebugAssertionError: at run time, with the line of this call. Under `jax.vmap`,
            where both branches of a conditional run, also from the other branch.
        ParameterTypeError: for a message that is no string.

    >>> import qjit as qj
    >>> @qj.qjit
    ... def root(x):
    ...     qj.debug_assert(x >= 0, "x is negative")
    ...     return x**0.5
    >>> try:
    ...     root(-1.0)
    ... except qj.errors.DebugAssertionError as error:
    ...     print(str(error).split(": ")[1])
    x is negative
    """
    if not isinstance(message, str):
        raise ParameterTypeError(
            f"{user_line()}: debug_assert takes a message that is a string, but got "
            f"an object of type {type(message).__name__}."
        )
    try:
        holds = jnp.all(jnp.asarray(condition).astype(bool))
    except (TypeError, ValueError) as error:
        raise ParameterTypeError(
            f"{user_line()}: debug_assert takes a boolean or an array of them, but got "
            f"an object of type {type(condition).__name__}."
        ) from error
    if trace_state_clean() and not isinstance(holds, Tracer):
        _evaluated(holds, message=message)
    else:
        code = CODES[DebugAssertionError]
        debug_assert_p.bind(holds, code=code, message=message)


def _evaluated(holds: Any, *, message: str, **_: Any) -> list[Any]:
    if not np.all(np.asarray(holds)):
        raise DebugAssertionError(f"{user_line()}: {message}")
    return []


def _abstract(*_: Any, **__: Any) -> Any:
    return [], {debug_assert_effect}


def _native(holds: Any, **params: Any) -> list[Any]:
    def program(holds: Any) -> list[Any]:
        return debug_assert_p.bind(holds, **params)

    return native_call(program, (holds,), "debug_assert")


def _jvp(primals: Sequence[Any], _: Sequence[Any], **params: Any) -> Any:
    return debug_assert_p.bind(*primals, **params), []


def _batched(args: Sequence[Any], _: Sequence[Any], **params: Any) -> Any:
    return debug_assert_p.bind(jnp.all(args[0]), **params), []


debug_assert_p.def_impl(_evaluated)
debug_assert_p.def_effectful_abstract_eval(_abstract)
ad.primitive_jvps[debug_assert_p] = _jvp
batching.primitive_batchers[debug_assert_p] = _batched
mlir.register_lowering(debug_assert_p, mlir.lower_fun(_native, True))


@keywords("measurement")
def Snapshot(tag: Any = None) -> None:
    """Mark a place in the circuit where `snapshots` reads the state.

    Args:
        tag: the name of the place, a string; its number among those without a tag
            when left out.

    Raises:
        MeasurementError: for a tag that another snapshot has.
        UnsupportedError: in a compiled loop or branch, if the states are asked for.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.X(0)
    ...     qj.Snapshot("flipped")
    ...     qj.X(0)
    ...     return qj.probs()
    >>> print(circuit())
    [1. 0.]
    """
    context = current("Snapshot")
    if tag is not None and not isinstance(tag, str):
        raise ParameterTypeError(
            f"{user_line()}: Snapshot takes a tag that is a string, but got an object "
            f"of type {type(tag).__name__}."
        )
    found = context.snapshots
    if found is None:
        return
    if innermost_trace() is not found.trace:
        raise UnsupportedError(
            f"{user_line()}: a snapshot stands inside a compiled loop or branch, where "
            "it is not one state. Move it out, or unroll the loop in Python."
        )
    if context.measures:
        raise UnsupportedError(
            f"{user_line()}: a snapshot stands after a measurement, where the state "
            "depends on the outcome. Move it before that, or return the average over "
            "outcomes, qjit.density_matrix()."
        )
    name = sum(isinstance(each, int) for each in found.states) if tag is None else tag
    if name in found.states or name == RESULTS:
        raise MeasurementError(
            f"{user_line()}: the tag {name!r} of a snapshot is taken. Use another one."
        )
    count = len(context.order.all())
    found.states[name] = snapshot_p.bind(num_wires=count, dtype=context.dtype)[0]


def snapshots(function: Any) -> Callable[..., dict[str | int, Any]]:
    """Return a function that computes the states at the snapshots of a circuit.

    Args:
        function: a quantum function; see `Snapshot`.

    Returns:
        A function of the same arguments. It returns a dictionary from tags to states,
        complex arrays of shape (2**wires,), and from "execution_results" to what the
        quantum function returns.

    Raises:
        ParameterTypeError: for what is no quantum function.
        UnsupportedError: after a measurement or reset on the way, which leaves no
            single state.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     qj.X(0)
    ...     qj.Snapshot("flipped")
    ...     qj.X(0)
    ...     return qj.probs()
    >>> print(qj.snapshots(circuit)()["flipped"])
    [0.+0.j 1.+0.j]
    """
    if isinstance(function, QJIT):
        function = function.function
    if not isinstance(function, QNode):
        raise ParameterTypeError(
            f"{user_line()}: snapshots takes a quantum function, but got an object of "
            f"type {type(function).__name__}. Decorate it with qjit.qnode(...)."
        )

    def run(*args: Any, **kwargs: Any) -> dict[str | int, Any]:
        found, results = function.with_snapshots()(*args, **kwargs)
        return {**found.states, RESULTS: results}

    return run
