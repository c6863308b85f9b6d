"""Quantum functions: `qnode` traces them into one pure JAX primitive."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from qjit.autograph import converted
from qjit.devices.call_options import taken
from qjit.devices.capabilities import check_abilities
from qjit.devices.device import Device
from qjit.devices.device import device as make_device
from qjit.devices.other_devices import moved
from qjit.devices.shots import Shots, checked_shots
from qjit.diagnostics.foreign_operators import foreign_operators_refused
from qjit.diagnostics.keywords import UNUSED, check_interface, keywords
from qjit.diagnostics.notebook import function_table
from qjit.diagnostics.translation import (
    awaited,
    call,
    check_arrays,
    check_signature,
    definition_line,
    explained,
)
from qjit.dialects.targets import text_of
from qjit.errors import ArgumentError, UnsupportedError, WireError

# NOTE: the rules of derivatives register themselves.
from qjit.gradients import circuit_rules as circuit_rules
from qjit.gradients.hybrid_split import check_measurements
from qjit.gradients.methods import Differences, differences
from qjit.gradients.qnode_primitives import Circuit
from qjit.lowering.jax_internals.tracing import (
    innermost_trace,
    partial_eval,
    trace_state_clean,
    user_line,
    wide_types,
)
from qjit.lowering.jaxpr.dimensions import names
from qjit.lowering.jaxpr.reroll.reroll import reroll
from qjit.lowering.jaxpr.traversal import (
    has_exact_statistics,
    measurements_last,
    measures_mid_circuit,
)
from qjit.lowering.passes.pipeline import resolve_circuit
from qjit.measurements.outcome_types import typed
from qjit.measurements.returned_outcomes import check_outputs, with_rows
from qjit.ops.algebra.recording import check_used, resolved
from qjit.ops.preparations import with_preparations
from qjit.runtime.recent import Recent
from qjit.tracing.callbacks import move_callbacks
from qjit.tracing.context import (
    Estimates,
    Snapshots,
    TraceContext,
    current,
    estimates_of_program,
    is_tracing,
    rerolls,
    tracing,
)
from qjit.tracing.random_keys import is_one_program, key_words, next_key, split_key
from qjit.tracing.references import discharged
from qjit.tracing.wires import WireOrder, Wires

from .arguments import Named, Static, TakesStatic
from .importing.submitting import Submits
from .pickling import Picklable
from .pipelines import checked_steps, estimates_of
from .specialized import Specialised


class QNode(TakesStatic, Picklable, Submits):
    """A quantum function; call it like the Python function it was made from.

    Args:
        function, device, interface, diff_method, options: as in `qnode`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        device: Device | str | None = None,
        interface: str | None = "auto",
        diff_method: str | None = "best",
        differences: Differences | None = None,
        static: Static = (None, None),
        passes: Sequence[Any] = (),
        **options: Any,
    ) -> None:
        if not callable(function):
            raise ArgumentError(
                f"{user_line()}: a quantum function is made from a function, but got "
                f"{type(function).__name__}. Pass what applies the gates."
            )
        if differences is None:
            how = {"interface": interface, "diff_method": diff_method, **options}
            made: QNode = qnode(device, **how)(function)
            device, differences, static = made.device, made.differences, made.static
        self.__name__ = getattr(function, "__name__", "circuit")
        self.wrap(function)
        self.function = function
        self.static = static
        self.named = Named.of(function, *static)
        self._is_apart = self.named.some
        self._by_static = Recent()
        named = not isinstance(device, Device)
        self.device = make_device(device or "statevector") if named else device
        self.diff_method = diff_method
        self.differences = differences
        self.passes = checked_steps(resolve_circuit, passes)
        self._own_estimates = estimates_of(self.passes)
        self._cache: Recent[Any, Specialised] = Recent()
        self._measuring: Recent[Any, QNode] = Recent()
        self._other_shots: Recent[Shots, QNode] = Recent()
        self._converted: QNode | None = None
        self.renew()

    def renew(self) -> None:
        """Forget what was traced."""

        def alone(*args: Any, **kwargs: Any) -> Any:
            return self._call(args, kwargs, alone=True)

        def keyed(key: Any, args: Any, kwargs: Any) -> Any:
            return self._call(args, kwargs, key)

        self._cache.clear()
        self._measuring.clear()
        self._other_shots.clear()
        if self._converted is not self:
            self._converted = None
        self._looking: QNode | None = None
        # NOTE: of new functions, because JAX keeps the traces of equal ones.
        self._jitted = jax.jit(alone)
        self._keyed = jax.jit(keyed)

    def made_from(self) -> tuple[Any, ...]:
        """Return the arguments of an equal quantum function."""
        options = self.device, "auto", self.diff_method, self.differences
        return self.function, *options, self.static, self.passes

    def of_arrays(self, function: Callable[..., Any]) -> "QNode":
        """Return the same quantum function of arrays only."""
        return self._like(function, static=(None, None))

    def _like(self, function: Any = None, **changes: Any) -> "QNode":
        """Return one that differs in what is given."""
        options: dict[str, Any] = {
            "device": self.device,
            "diff_method": self.diff_method,
            "differences": self.differences,
            "static": self.static,
            "passes": self.passes,
        }
        return QNode(function or self.function, **{**options, **changes})

    @property
    def _moves_pure(self) -> bool:
        """Whether pure callbacks are moved out: differences evaluate them again."""
        return self.diff_method not in ("finite-diff", "spsa")

    def measuring(self, measurement: Callable[[], Any]) -> "QNode":
        """Return the same gates with another measurement, which is exact."""
        other = self._measuring.get(measurement)
        if other is None:

            def function(*args: Any, **kwargs: Any) -> Any:
                self.function(*args, **kwargs)
                return measurement()

            functools.update_wrapper(function, self.function)
            device = replace(self.device, shots=None)
            how = Differences()
            other = QNode(function, device, differences=how, passes=self.passes)
            self._measuring[measurement] = other
        return other

    @property
    def _shots(self) -> int | None:
        """The number of shots of one run."""
        shots = self.device.shots
        assert not isinstance(shots, tuple)
        return shots

    @property
    def _estimates(self) -> Estimates | None:
        """How passes, its own or the program's, estimate what is exact."""
        if self.device.shots is not None:
            return None
        return self._own_estimates or estimates_of_program()

    @property
    def _seed(self) -> int | None:
        own, estimates = self.device.seed, self._estimates
        return estimates.seed if own is None and estimates is not None else own

    def with_shots(self, shots: Any) -> "QNode":
        """Return the same with another number of shots, or None for exact results."""
        number = checked_shots(shots)
        if number == self.device.shots:
            return self
        other = self._other_shots.get(number)
        if other is None:
            other = self._like(device=replace(self.device, shots=number))
            self._other_shots[number] = other
        return other

    def _repr_html_(self) -> str:
        device, passes = self.device, [getattr(p, "name", p) for p in self.passes]
        rows = {
            "device": device.name,
            "wires": device.wires,
            "shots": device.shots,
            "derivatives": self.diff_method,
            "passes": ", ".join(map(str, passes)) or None,
        }
        return function_table(self.function, self.__name__, rows)

    def with_passes(self, passes: Sequence[Any]) -> "QNode":
        """Return the same whose circuits go through more passes, after its own."""
        return self._like(passes=(*self.passes, *passes))

    def with_autograph(self) -> "QNode":
        """Return the same with Python's control flow converted."""
        if self._converted is None:
            self._converted = self._like(converted(self.function))
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
            how = Differences()
            options = self.device, "auto", None, how
            self._looking = QNode(function, *options, passes=self.passes)
        return self._looking

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the quantum function, compiling it on the first call of a signature.

        Args:
            args, kwargs: those of the Python function; and of its own,
            key: the key of its random numbers, such as `jax.random.key(0)`.
            shots: a number of shots for this call.
        """
        options = taken(self.function, kwargs) if kwargs else None
        if not options:
            return super().__call__(*args, **kwargs)
        if "shots" in options:
            other = self.with_shots(options.pop("shots"))
            return other(*args, **options, **kwargs)
        return self.dispatch(args, kwargs, key_words(options["key"]))

    def submission(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `submit` hands in, and what that takes."""
        from .function import qjit

        return qjit(self).submission(*args, **kwargs)

    def call_arrays(self, args: Any, kwargs: Any, key: Any = None) -> Any:
        """Run the quantum function on arrays."""
        if not trace_state_clean():
            return awaited(self._call, args, kwargs, key)
        draws = self.device.shots is not None or self._estimates is not None
        draws = draws or self.diff_method == "spsa"
        if key is None and draws and is_one_program():
            key = next_key(self._seed)
        if key is None:
            return call(self._jitted, self.function, args, kwargs)
        keyed = self._keyed
        return call(lambda *a, **k: keyed(key, a, k), self.function, args, kwargs)

    def _call(
        self, args: Any, kwargs: Any, key: Any = None, *, alone: bool = False
    ) -> Any:
        if (device := moved(self.device)) != self.device:
            return self._like(device=device)._call(args, kwargs, key, alone=alone)
        if isinstance(self.device.shots, tuple):
            return self._one_by_one(self.device.shots, key, args, kwargs)
        special, arrays = self._specialised(args, kwargs)
        with explained(self.__name__):  # a traced value may be that of another function
            return special.run(arrays, self._seed, key, alone=alone)

    def _one_by_one(
        self, shots: tuple[int, ...], key: Any, args: Any, kwargs: Any
    ) -> tuple[Any, ...]:
        """Run with each number of a shot vector."""
        keys: Any = [None] * len(shots) if key is None else split_key(key, len(shots))
        return tuple(
            self.with_shots(number)._call(args, kwargs, each)
            for number, each in zip(shots, keys, strict=True)
        )

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
            rerolls(),
            estimates_of_program(),
        )
        if (known := self._cache.get(key)) is not None:
            return known
        special = self._trace(arrays, tree)
        if not any(isinstance(const, Tracer) for const in special.parts.consts):
            self._cache[key] = special
        return special

    def _trace(self, arrays: list[jax.Array], tree: Any) -> Specialised:
        order = WireOrder(self.__name__, self.device.wires)
        context = TraceContext(
            self.__name__,
            order,
            self.device.complex_dtype,
            self._shots,
            masks_shots=self.device.masks_shots,
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
        check_abilities(closed.jaxpr, self.device.target, self.__name__, self._shots)
        closed = measurements_last(with_rows(closed, context, line))
        parts = move_callbacks(closed, self.__name__, pure=self._moves_pure)
        rest = parts.circuit
        if rerolls() and not measures_mid_circuit(rest.jaxpr):
            rest = reroll(rest)
        exact = has_exact_statistics(rest.jaxpr)
        parts = replace(parts, circuit=rest)
        circuit = Circuit(
            partial_eval.convert_constvars_jaxpr(rest.jaxpr),
            context.wire_count,
            context.dtype,
            self._shots,
            self.__name__,
            self.diff_method,
            self.differences,
            self.device.masks_shots,
            text_of(self.device.target),
            self.passes,
            context.order.names,
            self._estimates.shots if self._estimates and exact else None,
        ).with_key()
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
        return with_preparations(resolved(closed, whole=True)), shapes


@keywords(*UNUSED)
def qnode(
    device: Callable[..., Any] | Device | str | None = None,
    *,
    wires: Wires = None,
    shots: int | Sequence[Any] | str | None = "unset",
    diff_method: str | None = "best",
    gradient_kwargs: Mapping[str, Any] | None = None,
    seed: Any = None,
    dtype: Any = None,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    interface: str | None = "auto",
    postselect_mode: str | None = None,
    passes: Sequence[Any] = (),
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
            and `probs` are estimated from, or None for exact results; that of the
            device when left out, which is None unless it was given. A shot vector such
            as [10, 100, (5, 3)] runs once with each number (here three times with 5)
            and returns a tuple of results.
        diff_method: how it is differentiated: "adjoint" (exact, without shots),
            "parameter-shift", "hadamard", "finite-diff" or "spsa"; None for no
            derivative. "best" is "adjoint" where results are exact, and
            "parameter-shift" where they are estimated.
        gradient_kwargs: for "finite-diff" and "spsa", the step `h`, the order of
            accuracy `approx_order`, the `strategy` ("center", "forward", "backward")
            and, for "spsa", over how many random directions to average,
            `num_directions`.
        seed: seed of the random numbers, an integer or a key of JAX. Within one call
            of a program every execution draws by itself; the same call again gives
            the same.
        static_argnums, static_argnames: arguments to trace with each of their values,
            as in `jax.jit`. What is hashable and no array or number is static anyway.
        interface: "auto" or "jax"; there is no other.
        dtype: complex64 or complex128; when left out, complex128 if
            `jax_enable_x64` is set and complex64 otherwise.
        postselect_mode: what becomes of shots that do not meet a postselection.
            "fill-shots" draws them again, until there are as many as asked for. With
            "hw-like" or "pad-invalid-samples" they do not count: statistics are those
            of the other shots (NaN if there are none), and their rows in samples hold
            the least 32-bit integer, or NaN for eigenvalues.
        passes: passes that its circuits go through, before those of the program: names
            of level "quantum" in `qjit.passes`, with their options in braces, and
            passes and patterns of xDSL; or the name of a pipeline, "simulate" or
            "hardware:0" to "hardware:3", for its passes on gates.

    Returns:
        A function of JAX arrays (any pytrees), usable under every JAX transformation;
        unless the Python function was given, what makes it from that.

    Raises:
        WireError, ParameterError, MeasurementError: for mistakes in the circuit, on
            the first call.
        PipelineError: for what is no pass on gates.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.H(0)
    ...     qj.CNOT(wires=[0, 1])
    ...     return qj.probs()
    >>> print(bell().round(3))
    [0.5 0.  0.  0.5]
    """
    given = {"wires": wires, "seed": seed, "dtype": dtype}
    mode = {"postselect_mode": postselect_mode}
    how = differences(diff_method, gradient_kwargs)
    check_interface(interface)
    function = device if callable(device) else None
    chosen = "statevector" if device is None or callable(device) else device
    chosen = chosen if isinstance(chosen, Device) else make_device(chosen)
    chosen = chosen.override(**given, **mode)
    if shots != "unset":
        chosen = replace(chosen, shots=checked_shots(shots))

    def wrap(function: Callable[..., Any]) -> QNode:
        static = static_argnums, static_argnames
        return QNode(function, chosen, "auto", diff_method, how, static, passes)

    return wrap if function is None else wrap(function)
