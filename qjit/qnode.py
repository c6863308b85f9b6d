"""Quantum functions: `qnode` traces them into one pure JAX primitive."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from qjit.lowering.dimensions import names

# NOTE: the rules of derivatives register themselves.
from . import circuit_derivatives as circuit_derivatives
from .arguments import Named, Static, TakesStatic
from .autograph import converted
from .callbacks import Parts, move_callbacks
from .circuit_primitives import Circuit, qnode_p
from .context import Snapshots, TraceContext, current, is_tracing, tracing
from .devices import Device
from .devices import device as make_device
from .diagnostics import (
    call,
    check_arrays,
    check_signature,
    definition_line,
    explained,
    function_name,
    is_array,
)
from .diff_methods import Differences, differences
from .errors import MeasurementError, ParameterError, UnsupportedError, WireError
from .foreign_operators import foreign_operators_refused
from .jax_internals import (
    innermost_trace,
    partial_eval,
    trace_state_clean,
    user_line,
    wide_types,
)
from .jaxprs import measures_midway
from .ops.operator import is_operator
from .ops.recording import check_used, resolved
from .outcome_types import typed
from .portable import Portable, Unsent
from .preparations import settled
from .references import discharged
from .reroll import is_rerolling, reroll
from .returned_outcomes import with_rows
from .split import check_measurements
from .wires import WireOrder, Wires


@dataclass(frozen=True)
class Specialised:
    """A quantum function traced for one signature."""

    circuit: Circuit
    parts: Parts
    out_tree: Any

    def run_alone(self, args: Sequence[Any]) -> Any:
        """Evaluate it on arrays as one program, with its callbacks."""
        if self.parts.is_circuit:
            return self.run(args)
        from .compile import native_call

        outs = native_call(lambda *args: self._flat(args), args, self.circuit.name)
        return jax.tree.unflatten(self.out_tree, outs)

    def run(self, args: Sequence[Any]) -> Any:
        """Evaluate it on arrays."""
        return jax.tree.unflatten(self.out_tree, self._flat(args))

    def _flat(self, args: Sequence[Any]) -> list[Any]:

        def bind(*operands: Any) -> list[Any]:
            consts = self.parts.circuit.consts
            return qnode_p.bind(*consts, *operands, circuit=self.circuit, batch=None)

        return self.parts.run(bind, args)


class QNode(TakesStatic, Portable):
    """A quantum function; call it like the Python function it was made from."""

    def __init__(
        self,
        function: Callable[..., Any],
        device: Device | str | None = None,
        diff_method: str | None = "best",
        differences: Differences | None = None,
        static: Static = (None, None),
    ) -> None:
        self.__name__ = getattr(function, "__name__", "circuit")
        self.wrap(function)
        self.function = function
        self.static = static
        self.named = Named.of(function, *static)
        self._is_apart = self.named.some
        self._by_static = Unsent()
        named = not isinstance(device, Device)
        self.device = make_device(device or "statevector") if named else device
        self.diff_method = diff_method
        self.differences = differences or Differences()
        self._cache: dict[Any, Specialised] = Unsent()
        self._measuring: dict[Any, QNode] = Unsent()
        self._converted: QNode | None = None
        self.renew()

    def renew(self) -> None:
        """Forget what was traced."""

        def alone(*args: Any, **kwargs: Any) -> Any:
            return self._call_alone(*args, **kwargs)

        self._cache.clear()
        self._measuring.clear()
        if self._converted is not self:
            self._converted = None
        self._looking: QNode | None = None
        # NOTE: of a new function, because JAX keeps the traces of equal ones.
        self._jitted = jax.jit(alone)

    def made_from(self) -> tuple[Any, ...]:
        """Return the arguments of an equal quantum function."""
        options = self.device, self.diff_method, self.differences
        return self.function, *options, self.static

    def of_arrays(self, function: Callable[..., Any]) -> "QNode":
        """Return the same quantum function of arrays only."""
        return QNode(function, self.device, self.diff_method, self.differences)

    @property
    def _moves_pure(self) -> bool:
        """Whether pure callbacks are moved out: differences evaluate them again."""
        return self.diff_method not in ("finite-diff", "spsa")

    def measuring(self, measurement: Callable[[], Any]) -> "QNode":
        """Return the same gates with another measurement, which is exact."""
        if measurement not in self._measuring:

            def function(*args: Any, **kwargs: Any) -> Any:
                self.function(*args, **kwargs)
                return measurement()

            functools.update_wrapper(function, self.function)
            device = replace(self.device, shots=None)
            other = QNode(function, device, "best", Differences())
            self._measuring[measurement] = other
        return self._measuring[measurement]

    def with_autograph(self) -> "QNode":
        """Return the same with Python's control flow converted."""
        if self._converted is None:
            function = converted(self.function)
            options = self.device, self.diff_method, self.differences
            self._converted = QNode(function, *options, self.static)
            self._converted._converted = self._converted
        return self._converted

    def with_snapshots(self) -> "QNode":
        """Return the same that returns its snapshots before its results."""
        if self._looking is None:

            def function(*args: Any, **kwargs: Any) -> Any:
                context = current("snapshots")
                context.snapshots = found = Snapshots(innermost_trace())
                results = self.function(*args, **kwargs)
                return found, results

            functools.update_wrapper(function, self.function)
            self._looking = QNode(function, self.device, None, Differences())
        return self._looking

    def call_arrays(self, args: Any, kwargs: Any) -> Any:
        """Run the quantum function on arrays."""
        if not trace_state_clean():
            return self._call(*args, **kwargs)
        return call(self._jitted, self.function, args, kwargs)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        special, arrays = self._specialised(args, kwargs)
        with explained(self.__name__):  # a traced value may be that of another function
            return special.run(arrays)

    def _call_alone(self, *args: Any, **kwargs: Any) -> Any:
        special, arrays = self._specialised(args, kwargs)
        return special.run_alone(arrays)

    def _specialised(
        self, args: Any, kwargs: Any
    ) -> tuple[Specialised, list[jax.Array]]:
        leaves, tree = jax.tree.flatten((args, kwargs))
        if is_tracing():
            raise UnsupportedError(
                f"{user_line()}: the quantum function '{self.__name__}' is called "
                "inside another one. Call it before, and pass its result as an "
                "argument, or apply its gates with a plain function."
            )
        check_signature(self.function, args, kwargs)
        check_arrays(self.function, args, kwargs)
        arrays = [jnp.asarray(leaf) for leaf in leaves]
        return self._specialise(arrays, tree), arrays

    def _specialise(self, arrays: list[jax.Array], tree: Any) -> Specialised:
        key = (
            tree,
            tuple((a.shape, a.dtype, a.weak_type) for a in arrays),
            wide_types(),
            is_rerolling(),
        )
        if key in self._cache:
            return self._cache[key]
        special = self._trace(arrays, tree)
        if not any(isinstance(const, Tracer) for const in special.parts.consts):
            self._cache[key] = special
        return special

    def _trace(self, arrays: list[jax.Array], tree: Any) -> Specialised:
        order = WireOrder(self.__name__, self.device.wires)
        context = TraceContext(
            self.__name__, order, self.device.complex_dtype, self.device.shots
        )

        avals = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays]
        dimensions = names(aval.shape for aval in avals)
        with tracing(context), explained(self.__name__, dimensions=dimensions):
            closed, shapes = typed(lambda: self._ordered(avals, tree, context), context)
            closed = discharged(closed, self.__name__)
        if context.wire_count == 0:
            raise WireError(
                f"{definition_line(self.function)}: the quantum function "
                f"'{self.__name__}' uses no wire that is known when tracing. Declare "
                "the number of wires: qnode(wires=...)."
            )
        line = definition_line(self.function)
        check_measurements(closed.jaxpr, self.__name__, line)
        closed = with_rows(closed, context, line)
        parts = move_callbacks(closed, self.__name__, pure=self._moves_pure)
        rest = parts.circuit
        if not measures_midway(rest.jaxpr):
            rest = reroll(rest)
        parts = replace(parts, circuit=rest)
        circuit = Circuit(
            partial_eval.convert_constvars_jaxpr(rest.jaxpr),
            context.wire_count,
            context.dtype,
            self.device.shots,
            self.device.seed,
            self.__name__,
            self.diff_method,
            self.differences,
        )
        return Specialised(circuit, parts, jax.tree.structure(shapes))

    def _ordered(self, avals: Sequence[Any], tree: Any, context: TraceContext) -> Any:
        found = self._jaxpr(avals, tree)
        if context.order.is_complete:
            return found
        # Some wire came after all wires were asked for: once more, with it.
        context.order = context.order.completed()
        return self._jaxpr(avals, tree)

    def _jaxpr(self, avals: Sequence[Any], tree: Any) -> Any:
        line = definition_line(self.function)

        # NOTE: a new function each time, because JAX keeps what it traced.
        def flat(*leaves: Any) -> Any:
            current(self.__name__).unused.clear()
            args, kwargs = jax.tree.unflatten(tree, leaves)
            with foreign_operators_refused(self.__name__, line):
                outs = self.function(*args, **kwargs)
            check_outputs(outs, self.function)
            check_used(current(self.__name__))
            return outs

        closed, shapes = jax.make_jaxpr(flat, return_shape=True)(*avals)
        return settled(resolved(closed, whole=True)), shapes


def check_outputs(outs: Any, function: Callable[..., Any]) -> None:
    """Refuse outputs that are no arrays, such as a gate."""
    for leaf in jax.tree.leaves(outs, is_leaf=is_operator):
        if is_operator(leaf):
            raise MeasurementError(
                f"{definition_line(function)}: the quantum function "
                f"'{function.__name__}' returns the operator {leaf!r}. Return a "
                "measurement of it, such as qjit.expval(...)."
            )
        if not is_array(leaf):
            raise MeasurementError(
                f"{definition_line(function)}: the quantum function "
                f"'{function_name(function)}' returns an object of type "
                f"{type(leaf).__name__}. Return measurements, such as "
                "qjit.expval(qjit.Z(0))."
            )


def check_interface(interface: str | None) -> None:
    """Refuse the arrays of other libraries."""
    if interface not in ("auto", "jax", "jax-jit", None):
        raise ParameterError(
            f"{user_line()}: interface takes 'auto' or 'jax', but got {interface!r}. "
            "Quantum functions take and return JAX arrays: convert them with "
            "jax.numpy.asarray and numpy.asarray."
        )


def qnode(
    device: Callable[..., Any] | Device | str | None = None,
    *,
    wires: Wires = None,
    shots: int | None = None,
    diff_method: str | None = "best",
    gradient_kwargs: Mapping[str, Any] | None = None,
    seed: int | None = None,
    dtype: Any = None,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    interface: str | None = "auto",
) -> Any:
    """Make a quantum function from a Python function that applies gates.

    Args:
        device: a device or its name, the statevector simulator when left out; or the
            Python function itself.
        wires: number of wires, which are 0 to wires - 1 then, or a sequence of their
            labels: any hashable values, in the order of the results. When left out,
            the wires are 0 to the largest that is used, or the labels that are used
            in order of first use.
        shots: number of samples that `sample` and `counts` return and `expval`, `var`
            and `probs` are estimated from; these are exact when left out.
        diff_method: how it is differentiated: "adjoint" (exact, without shots),
            "parameter-shift", "hadamard", "finite-diff" or "spsa"; None for no
            derivative. "best" is "adjoint" without shots, and "parameter-shift" with
            shots.
        gradient_kwargs: for "finite-diff" and "spsa", the step `h`, the order of
            accuracy `approx_order`, the `strategy` ("center", "forward", "backward")
            and, for "spsa", over how many random directions to average,
            `num_directions`.
        seed: seed of the random numbers; equal seeds give equal samples.
        static_argnums, static_argnames: arguments to trace with each of their values,
            as in `jax.jit`. What is hashable and no array or number is static anyway.
        interface: "auto" or "jax"; there is no other.
        dtype: complex64 or complex128; when left out, complex128 if
            `jax_enable_x64` is set and complex64 otherwise.

    Returns:
        A function of JAX arrays (any pytrees), usable under every JAX transformation;
        unless the Python function was given, what makes it from that.

    Raises:
        WireError, ParameterError, MeasurementError: for mistakes in the circuit, on
            the first call.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.H(0)
    ...     qj.CNOT(wires=[0, 1])
    ...     return qj.probs()
    >>> print(bell().round(3))
    [0.5 0.  0.  0.5]
    """
    given = {"wires": wires, "shots": shots, "seed": seed, "dtype": dtype}
    how = differences(diff_method, gradient_kwargs)
    check_interface(interface)
    function = None
    if isinstance(device, Device):
        chosen = device.override(**given)
    elif callable(device):
        function, chosen = device, make_device("statevector", **given)
    else:
        chosen = make_device(device or "statevector", **given)

    def wrap(function: Callable[..., Any]) -> QNode:
        static = static_argnums, static_argnames
        return QNode(function, chosen, diff_method, how, static)

    return wrap if function is None else wrap(function)
