"""Applying gates: checks what the user wrote and binds it to a JAX primitive."""

import reprlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from qjit.dialects.gates import GATES, GateRecord

from .context import TraceContext, current
from .errors import ParameterError, ParameterTypeError
from .jax_internals import user_line, wide_types
from .primitives import gate_p
from .wires import Wire, Wires, as_wires, check_distinct, positions

if TYPE_CHECKING:
    from .observables import Observable


class Token:
    """Marks one traced gate, so that a later use as an observable can withdraw it."""

    def __init__(self) -> None:
        self.cancelled = False


@dataclass(frozen=True)
class Operation:
    """An applied gate: what a gate function returns."""

    apply: Callable[["Modifiers"], "Operation"]
    token: Token
    name: str
    wires: tuple[Wire, ...]

    def withdraw(self) -> None:
        """Take the gate back out of the circuit."""
        self.token.cancelled = True

    def observable(self) -> "Observable":
        """Use the gate as an observable instead of applying it."""
        from .observables import pauli_observable

        self.withdraw()
        return pauli_observable(self.name, self.wires)

    def __matmul__(self, other: Any) -> "Observable":
        return self.observable() @ other

    def __rmatmul__(self, other: Any) -> "Observable":
        return other @ self.observable()

    def __add__(self, other: Any) -> "Observable":
        return self.observable() + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Observable":
        return self.observable() - other

    def __rsub__(self, other: Any) -> "Observable":
        return -self.observable() + other

    def __mul__(self, other: Any) -> "Observable":
        return self.observable() * other

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "Observable":
        return self.observable() * (1 / other)

    def __neg__(self) -> "Observable":
        return self.observable() * -1.0


@dataclass(frozen=True)
class Modifiers:
    """How an operation is changed on its way into the circuit."""

    adjoint: bool = False
    controls: tuple[Wire, ...] = ()
    control_values: tuple[bool, ...] = ()

    def then(self, change: "Modifiers") -> "Modifiers":
        """Change an operation that is changed already."""
        return Modifiers(
            self.adjoint != change.adjoint,
            (*change.controls, *self.controls),
            (*change.control_values, *self.control_values),
        )


@dataclass(frozen=True)
class GateCall:
    """One gate application before it is bound."""

    record: GateRecord
    params: tuple[Any, ...]
    controls: tuple[Wire, ...]
    targets: tuple[Wire, ...]
    control_values: tuple[bool, ...] = ()
    adjoint: bool = False
    word: str | None = None
    dim: int | None = None
    token: Token = field(default_factory=Token)

    @property
    def name(self) -> str:
        """The gate's name, if it is applied as its record says."""
        more_controls = len(self.controls) != (self.record.num_controls or 0)
        name = f"controlled {self.record.name}" if more_controls else self.record.name
        return f"adjoint {name}" if self.adjoint else name

    def bind(self) -> None:
        """Put the gate into the circuit under trace."""
        wires = (*self.controls, *self.targets)
        check_distinct(wires, "controls and targets")
        static, dynamic = positions(wires, current(self.record.name))
        gate_p.bind(
            *self.params,
            *dynamic,
            gate=self.record.name,
            wires=static,
            num_controls=len(self.controls),
            control_values=self.control_values,
            adjoint=self.adjoint,
            word=self.word,
            dim=self.dim,
            token=self.token,
        )


def apply(call: GateCall) -> Operation:
    """Apply a gate and return a handle to it."""
    call.bind()

    def again(change: Modifiers) -> Operation:
        whole = Modifiers(call.adjoint, call.controls, call.control_values).then(change)
        return apply(replace(call, **vars(whole), token=Token()))

    wires = (*call.controls, *call.targets)
    return Operation(again, call.token, call.name, wires)


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


def split_wires(
    record: GateRecord, wires: Wires, context: TraceContext
) -> tuple[tuple[Wire, ...], tuple[Wire, ...]]:
    """Check the number of wires of a gate and return its controls and targets."""
    checked = as_wires(wires, context, record.name, record.num_wires)
    count = record.num_controls or 0
    return checked[:count], checked[count:]


def gate_function(record: GateRecord) -> Callable[..., Operation]:
    """Make the user's function of a gate from its record."""
    name, count = record.name, record.num_params

    def gate(*args: Any, wires: Wires = None) -> Operation:
        context = current(name)
        if wires is None and len(args) == count + 1:
            args, wires = args[:-1], args[-1]
        if wires is None or len(args) != count:
            raise ParameterError(
                f"{user_line()}: {name} takes {count} parameter(s) and its wires, but "
                f"got {len(args)} positional argument(s)"
                f"{'' if wires is None else ' and wires'}."
            )
        params = tuple(as_angle(arg, name) for arg in args)
        controls, targets = split_wires(record, wires, context)
        values = (True,) * len(controls)
        return apply(GateCall(record, params, controls, targets, values))

    gate.__name__ = gate.__qualname__ = name
    gate.__doc__ = _documentation(record)
    return gate


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
            *("Returns:", "    The applied gate, for `adjoint`, `ctrl` and `pow`.\n"),
            "Raises:",
            "    WireError: for another number of wires, repeated or out of range.",
            "    ParameterError: for another number of parameters or their shape.\n",
            *(">>> import qjit as qj", f">>> @qj.qnode(wires={len(wires)})"),
            *("... def circuit():", f"...     qj.{record.name}({call})"),
            *("...     return qj.probs()", ">>> print(circuit().shape)"),
            f"({2 ** len(wires)},)",
        ]
    )


FIXED_ARITY_GATES: dict[str, Callable[..., Operation]] = {
    alias: gate_function(record)
    for record in GATES.values()
    if record.num_wires is not None and record.in_library
    for alias in (record.name, *record.aliases)
}


def _no_arrays(operation: Operation) -> tuple[tuple[()], None]:
    return (), None


def _nothing(_: None, __: tuple[()]) -> Any:
    return None


# An operation carries no arrays, so branches and loop bodies may return one.
jax.tree_util.register_pytree_node(Operation, _no_arrays, _nothing)
