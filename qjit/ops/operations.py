"""The functions of the gates of the table, made from their records."""

import functools
import inspect
import reprlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.diagnostics.public_functions import public
from qjit.dialects.gates import GATES, GateRecord
from qjit.errors import ParameterError, ParameterTypeError
from qjit.lowering.jax_internals.tracing import user_line, wide_types
from qjit.ops.algebra.gates import Gate
from qjit.ops.algebra.operator import Operator
from qjit.ops.algebra.recording import applied
from qjit.tracing.context import check_place, current, is_tracing
from qjit.tracing.wires import Wire, Wires, as_labels, as_wires


def made(operator: Operator) -> Operator:
    """Return an operator as its function does: applied inside a quantum function."""
    if is_tracing():
        return applied(operator)
    check_place(operator.name, bool(operator.parameters))
    return operator


def operator_function(build: Callable[..., Operator]) -> Callable[..., Operator]:
    """Make the user's function of an operator, which applies it where it is called.

    What `build` returns is not applied: `adjoint` and `ctrl` take it as `.build`.
    """

    @functools.wraps(build)
    def function(*args: Any, **kwargs: Any) -> Operator:
        return made(build(*args, **kwargs))

    setattr(function, "build", build)  # noqa: B010
    return function


def wires_of(wires: Wires, what: str, count: int | None = None) -> tuple[Wire, ...]:
    """Check the wires of an operator, inside a quantum function or outside."""
    if is_tracing():
        return as_wires(wires, current(what), what, count)
    return as_labels(wires, what, count)


def batch_remedy(shape: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return what to do about an array that is a batch of the expected ones."""
    batched = len(shape) == len(expected) + 1 and shape[1:] == expected
    return " For a batch, use jax.vmap over the function." if batched else ""


def as_angle(value: Any, gate: str) -> Any:
    """Check one gate parameter and return it as a real scalar."""
    dtype = np.dtype(np.float64 if wide_types() else np.float32)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _finite(np.asarray(value, dtype), gate)
    value = as_array(value, gate)
    if np.ndim(value):
        raise ParameterError(
            f"{user_line()}: {gate} takes scalar parameters, but got an array of "
            f"shape {np.shape(value)}. Index it, or use jax.vmap over the function."
        )
    if not (
        np.issubdtype(value.dtype, np.integer)
        or jnp.issubdtype(value.dtype, jnp.floating)
    ):
        raise ParameterTypeError(
            f"{user_line()}: {gate} takes real parameters, but got {value.dtype}. "
            "Cast it, or take its real part."
        )
    if not isinstance(value, Tracer):
        return _finite(np.asarray(value, dtype), gate)
    return value if value.dtype == dtype else jax.lax.convert_element_type(value, dtype)


def as_array(value: Any, what: str) -> Any:
    """Return an array of numbers for what the user wrote, such as nested lists."""
    leaves = jax.tree.leaves(value)
    if hasattr(value, "dtype"):
        array = value
    elif any(isinstance(leaf, Tracer) for leaf in leaves):
        array = jnp.asarray(value)
    else:
        try:
            array = np.asarray(value)
        except ValueError:
            array = None
    if array is None or not (
        jnp.issubdtype(array.dtype, jnp.number) or array.dtype == np.bool_
    ):
        raise ParameterTypeError(
            f"{user_line()}: {what} takes an array of numbers, but got "
            f"{reprlib.repr(value)}."
        )
    return array


def _finite(value: np.ndarray, gate: str) -> np.ndarray:
    if not np.isfinite(value):
        raise ParameterError(
            f"{user_line()}: {gate} takes finite angles, but got {value}."
        )
    return value


def gate_function(record: GateRecord) -> Callable[..., Operator]:
    """Make the user's function of a gate from its record."""
    name, names = record.name, record.parameters
    count, controls = len(names), record.num_controls or 0

    def gate(*args: Any, wires: Wires = None, **named: Any) -> Operator:
        if wires is None and len(args) == count + 1:
            args, wires = args[:-1], args[-1]
        if named:
            named.pop("id", None)
            args = (*args, *_named(name, names[len(args) :], named))
        if wires is None or len(args) != count:
            raise ParameterError(
                f"{user_line()}: {name} takes {count} parameter(s) and its wires, but "
                f"got {len(args)} positional argument(s)"
                f"{'' if wires is None else ' and wires'}."
            )
        angles = tuple(as_angle(arg, name) for arg in args)
        on = wires_of(wires, name, record.num_wires)
        values = (True,) * controls
        return Gate(record, angles, on[:controls], on[controls:], values)

    gate.__name__ = gate.__qualname__ = name
    gate.__doc__ = _documentation(record)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(each, kind) for each in (*names, "wires")]
    parameters.append(inspect.Parameter("id", kind, default=None))
    setattr(gate, "__signature__", inspect.Signature(parameters))  # noqa: B010
    return public(operator_function(gate), name)


def _named(gate: str, names: tuple[str, ...], given: dict[str, Any]) -> list[Any]:
    """Return parameters that were given by their names, in order."""
    if unknown := given.keys() - set(names):
        raise ParameterError(
            f"{user_line()}: {gate} has no parameter {min(unknown)!r} to give by its "
            f"name. It has {', '.join(map(repr, (*names, 'wires')))}."
        )
    return [given[name] for name in names if name in given]


def _documentation(record: GateRecord) -> str:
    """Return the docstring of a gate's function."""
    angles = [
        f"    {name}: angle in radians, a real scalar." for name in record.parameters
    ]
    controls, wires = record.num_controls or 0, list(range(record.num_wires or 0))
    roles = "the controls first" if controls else "in order"
    given = [f"0.{place + 1}" for place in range(record.num_params)]
    call = ", ".join([*given, f"wires={wires if len(wires) > 1 else 0}"])
    return "\n".join(
        [
            f"{record.doc}\n",
            *("Args:", *angles, f"    wires: {len(wires)} wire(s), {roles}, static or"),
            "        traced.\n",
            *("Returns:", "    The gate as an operator, which is applied inside a"),
            "        quantum function, unless it is used in another operator.\n",
            "Raises:",
            "    WireError: for another number of wires, repeated or out of range.",
            "    ParameterError: for another number of parameters or their shape.\n",
            *(">>> import qjit as qj", f">>> @qj.qnode(wires={len(wires)})"),
            *("... def circuit():", f"...     qj.{record.name}({call})"),
            *("...     return qj.probs()", ">>> print(circuit().shape)"),
            f"({2 ** len(wires)},)",
        ]
    )


FIXED_ARITY_GATES: dict[str, Callable[..., Operator]] = {
    alias: function
    for record in GATES.values()
    if record.num_wires is not None and record.in_library
    for function in [gate_function(record)]
    for alias in (record.name, *record.aliases)
}
