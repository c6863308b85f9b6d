"""Import of jaxprs into scf, arith, math, complex and memref, equation by equation."""

import itertools
from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import jax
import numpy as np
from jax.dtypes import float0
from jax.extend.core import ClosedJaxpr, Literal
from xdsl.dialects import memref
from xdsl.ir import Attribute, SSAValue

from qjit.lowering.jax_internals.equations import (
    DropVar,
    InconclusiveDimensionOperation,
    calling_line,
    is_key,
    user_line,
)
from qjit.lowering.jaxpr.dimensions import UnknownSizeError
from qjit.lowering.jaxpr.nested import CIRCUITS

from .emitter import Emitter
from .emitter import index as index
from .half_precision import is_small, rounded
from .values import Buffer, Value, is_native, memref_type

Rule = Callable[..., Sequence[Value]]

RULES: dict[str, Rule] = {}
# What the rule for primitives without one is registered for.
FALLBACK = "*"
# Rules of primitives whose operands or results are random keys.
KEY_RULES: dict[str, Rule] = {}
# How many elementwise equations may be fused into one chain.
DEEPEST = 50
# Rules that only pass values on, whatever their dtype.
STRUCTURAL = {
    *("jit", "pjit", "closed_call", "core_call", "cond", "while", "scan", "copy"),
    *("custom_jvp_call", "custom_vjp_call", "custom_linear_solve", "checkpoint"),
    *("random_wrap", "random_unwrap", "qnode", "call_hi_primitive", "eval_jaxpr"),
    *("call", "composite", "custom_vmap_call", "remat_opt", "check"),
}


# Rules whose results need no rounding when their operands needed none.
EXACT = STRUCTURAL | {
    *("neg", "abs", "max", "min", "clamp", "sign", "select_n", "floor", "ceil"),
    *("round", "reshape", "broadcast_in_dim", "transpose", "squeeze", "expand_dims"),
    *("slice", "dynamic_slice", "dynamic_update_slice", "concatenate", "pad", "rev"),
    *("gather", "scatter", "sort", "top_k", "iota", "convert_element_type"),
    *("bitcast_convert_type", "nextafter", "reduce_precision", "reduce_max"),
    *("reduce_min", "cummax", "cummin", "optimization_barrier", "stop_gradient"),
    *("device_put", "name", "copy_p"),
}


# What cannot be evaluated apart from the program around it.
INSEPARABLE = {*STRUCTURAL, *CIRCUITS}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register an import rule for the primitives of these names."""

    def register(function: Rule) -> Rule:
        for name in names:
            RULES[name] = function
        return function

    return register


def key_rule(*names: str) -> Callable[[Rule], Rule]:
    """Register an import rule for the primitives of these names when given keys."""

    def register(function: Rule) -> Rule:
        KEY_RULES.update(dict.fromkeys(names, function))
        return function

    return register


def elementwise(*names: str) -> Callable[..., Callable[..., SSAValue]]:
    """Register a rule on scalars, applied to arrays element by element."""

    def register(scalar_rule: Callable[..., SSAValue]) -> Callable[..., SSAValue]:
        def array_rule(importer: "Importer", eqn: Any, *inputs: Value) -> list[Value]:
            def compute(*scalars: SSAValue) -> SSAValue:
                return scalar_rule(importer, eqn, *scalars)

            return [importer.map(eqn.outvars[0].aval, inputs, compute)]

        for name in names:
            RULES[name] = array_rule
        return scalar_rule

    return register


class CircuitState(Protocol):
    """What an importer knows of the circuit that it is in."""

    @property
    def signature(self) -> Hashable:
        """Return what functions with gates depend on; None where there are none."""
        ...

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Return the attributes of what begins a circuit or a function with gates."""
        ...

    def write_back(self) -> None:
        """Write extracted qubits back into the registers."""
        ...

    def fresh(self) -> "CircuitState":
        """Return what is known at the beginning of a function with gates."""
        ...


class Outlined(Protocol):
    """What decides which equations become calls of functions."""

    def is_call(self, importer: "Importer", eqn: Any) -> bool:
        """Tell whether an equation becomes a call."""
        ...

    def call(
        self, importer: "Importer", eqn: Any, inputs: Sequence[Value]
    ) -> list[Value]:
        """Call the function of an equation, which may have to be made."""
        ...


class Importer(Emitter):
    """The state of one import: where to insert, and what is alive."""

    def __init__(
        self, name: str, host_only: frozenset[str], outlined: Outlined
    ) -> None:
        """Start the import of a function of this name.

        The primitives in `host_only` call back into JAX even if they have a rule, and
        what is `outlined` becomes calls.
        """
        super().__init__()
        self.name = name
        self.host_only = host_only
        self.frames: list[dict[Any, Value]] = []
        self.outlined = outlined
        self.entries = itertools.count()  # numbers of what runs entries of batches
        self.live_registers: list[SSAValue] = []
        self.circuit_state: CircuitState | None = None
        self.suspended: dict[int, Any] = {}  # circuits that are gone on with
        self.locations: list[str] = [""]  # 0: unknown
        self.enclosing: list[Any] = []
        self.native_primitives: dict[str, int] = {}
        self.host_names: list[str] = []
        self.notes: dict[str, dict[str, Any]] = {}  # for the report
        self.circuit_passes: dict[str, Any] = {}  # on single circuits, by text
        self._location_ids: dict[str, int] = {}

    def constant(self, value: Any) -> Value:
        """Return a value known at compile time; of random keys, their words."""
        if is_key(getattr(value, "dtype", np.bool_)):
            with jax.ensure_compile_time_eval():
                value = jax.random.key_data(value)
        array = np.asarray(value)
        if array.dtype == float0:
            array = np.zeros(array.shape, np.bool_)
        return Value(array.shape, array.dtype, constant=array, cheap=True)

    # Reading values

    def scalar(self, value: Value) -> SSAValue:
        """Return a rank-0 value as an SSA scalar."""
        if value.ssa is None:
            assert value.constant is not None
            return self.scalar_constant(value.constant, value.dtype)
        return value.ssa

    def element(self, value: Value, indices: Sequence[SSAValue]) -> SSAValue:
        """Return one element of a value as an SSA scalar."""
        if not value.shape:
            return self.scalar(value)
        key = (value, tuple(indices))
        found = self._elements.get(key)
        if found is None:
            found = self._read(value, indices)
            self._elements[key] = found
        return found

    def _read(self, value: Value, indices: Sequence[SSAValue]) -> SSAValue:
        if value.memref is None and value.constant is not None:
            flat = value.constant.reshape(-1)
            if flat.size and flat.tobytes() == flat[:1].tobytes() * flat.size:
                return self.scalar_constant(flat[0], value.dtype)
            self.buffer(value)
        if value.memref is not None:
            return self.load(value.memref, indices, value.dtype)
        assert value.element is not None
        return value.element(indices)

    # Making values

    def from_scalar(self, ssa: SSAValue, aval: Any) -> Value:
        """Wrap an SSA scalar."""
        return Value((), aval.dtype, ssa=ssa)

    def from_buffer(
        self, buffer: SSAValue, aval: Any, owner: Buffer | None = None
    ) -> Value:
        """Wrap a contiguous row-major buffer."""
        shape = tuple(aval.shape)
        if not shape:
            return self.from_scalar(self.load(buffer, (), aval.dtype), aval)
        return Value(
            shape, aval.dtype, memref=buffer, buffer=owner or Buffer(), cheap=True
        )

    def argument(self, buffer: SSAValue, aval: Any) -> Value:
        """Wrap a buffer that belongs to the caller."""
        sized = self.sized(buffer, aval.shape)
        return self.from_buffer(sized, aval, Buffer(writable=False))

    def lazy(
        self,
        aval: Any,
        inputs: Sequence[Value],
        element: Callable[[Sequence[SSAValue]], SSAValue],
        *,
        cheap: bool = False,
        elementwise: bool = False,
    ) -> Value:
        """Return an array whose elements are computed where they are read."""
        if not aval.shape:
            return self.from_scalar(element(()), aval)
        return Value(
            tuple(aval.shape),
            aval.dtype,
            element=element,
            inputs=tuple(inputs),
            elementwise=elementwise,
            cheap=cheap,
            depth=1 + max((value.depth for value in inputs), default=0),
        )

    def map(
        self,
        aval: Any,
        inputs: Sequence[Value],
        compute: Callable[..., SSAValue],
    ) -> Value:
        """Apply a function of scalars to values, element by element."""
        if not aval.shape:
            return self.from_scalar(compute(*map(self.scalar, inputs)), aval)

        shape = tuple(aval.shape)
        for value in inputs:
            if value.shape not in ((), shape) and value.is_lazy and not value.cheap:
                self.buffer(value)

        def element(indices: Sequence[SSAValue]) -> SSAValue:
            return compute(*(self.spread(v, shape, indices) for v in inputs))

        return self.lazy(aval, inputs, element, elementwise=True)

    def spread(
        self, value: Value, shape: tuple[int, ...], indices: Sequence[SSAValue]
    ) -> SSAValue:
        """Return the element of an operand whose axes of extent one are repeated."""
        if not value.shape or value.shape == shape:
            return self.element(value, indices)
        zero = self.index_constant(0)
        extents = zip(value.shape, indices, strict=True)
        return self.element(value, [zero if n == 1 else i for n, i in extents])

    # Buffers

    def buffer(self, value: Value) -> SSAValue:
        """Return a contiguous row-major buffer that holds a value."""
        if not value.shape:
            target = self.allocate((), value.dtype)
            self.copy_into(value, target)
            return target
        if value.memref is None:
            if value.constant is not None:
                value.memref, value.buffer = self.global_buffer(value.constant)
            else:
                target = self.allocate(value.shape, value.dtype)
                self.copy_into(value, target)
                value.memref, value.buffer = target, Buffer()
        return value.memref

    def copy_into(self, value: Value, target: SSAValue) -> None:
        """Write the elements of a value into a buffer that it does not read."""
        if value.memref is not None and value.shape:
            self.insert(memref.CopyOp(value.memref, target))
            self._elements.clear()
            return

        def body(indices: list[SSAValue], _: Sequence[SSAValue]) -> list[SSAValue]:
            self.store(self.element(value, indices), target, indices, value.dtype)
            return []

        self.loop(value.shape, body)

    def reads_elsewhere(self, value: Value) -> bool:
        """Return whether a value outside the current equation reads its buffer."""
        owner = value.buffer
        return owner is None or not self.dies(owner)

    def dies(self, owner: Buffer) -> bool:
        """Return whether nothing outside the current equation reads a buffer."""
        return owner.writable and not any(
            owner in value.reads() for frame in self.frames for value in frame.values()
        )

    def compute(self, value: Value) -> None:
        """Put a new value into memory: over an operand that dies here, if it can."""
        kind = memref_type(value.shape, value.dtype)
        for owner, place in value.reads().items():
            if place is not None and place.type == kind and self.dies(owner):
                self.copy_into(value, place)
                value.memref, value.buffer = place, owner
                return
        self.buffer(value)

    @contextmanager
    def holding(self, values: Sequence[Value]) -> Generator[None]:
        """Keep values alive, and so their buffers unchanged, inside a region."""
        self.frames.append(dict(enumerate(values)))
        try:
            yield
        finally:
            self.frames.pop()

    def materialise(self, values: Sequence[Value]) -> None:
        """Compute values now, so that any region below may read them."""
        for value in values:
            if value.shape:
                self.buffer(value)
            else:
                self.scalar(value)

    def write_back(self) -> None:
        """Write extracted qubits back into the registers."""
        if self.circuit_state is not None:
            self.circuit_state.write_back()

    @contextmanager
    def entering(self, registers: Sequence[SSAValue]) -> Generator[None]:
        """Be in a function of its own, which takes registers if it has gates."""
        kept, state = list(self.live_registers), self.circuit_state
        self.live_registers[:] = registers
        self.circuit_state = state.fresh() if state and registers else None
        try:
            yield
        finally:
            self.live_registers[:], self.circuit_state = kept, state

    # Walking a jaxpr

    def inline(self, closed: ClosedJaxpr, values: Sequence[Value]) -> list[Value]:
        """Import a closed jaxpr at the current position."""
        return self.evaluate(closed.jaxpr, closed.consts, values)

    def evaluate(
        self, jaxpr: Any, consts: Sequence[Any], values: Sequence[Value]
    ) -> list[Value]:
        """Import an open jaxpr at the current position."""
        env: dict[Any, Value] = dict(zip(jaxpr.invars, values, strict=True))
        for var, const in zip(jaxpr.constvars, consts, strict=True):
            if isinstance(const, np.ndarray):
                # NOTE: JAX 0.7 keeps wide what it takes for narrow.
                const = const.astype(var.aval.dtype, copy=False)
            env[var] = const if isinstance(const, Value) else self.constant(const)
        last, readers = _uses(jaxpr)
        for var in [v for v in env if v not in readers]:
            del env[var]
        self.frames.append(env)
        for position, eqn in enumerate(jaxpr.eqns):
            inputs = [self._operand(env, var) for var in eqn.invars]
            for var in eqn.invars:
                if not isinstance(var, Literal) and last[var] == position:
                    env.pop(var, None)
            outputs = self._apply(eqn, inputs)
            for place, (var, value) in enumerate(
                zip(eqn.outvars, outputs, strict=True)
            ):
                if isinstance(var, DropVar) or var not in readers:
                    continue
                shared = readers[var] > 1 and not value.cheap
                if value.is_lazy and (shared or value.depth > DEEPEST):
                    with self.holding(outputs[place + 1 :]):
                        self.compute(value)
                    value.depth = 0
                env[var] = value
        self.frames.pop()
        return [self._operand(env, var) for var in jaxpr.outvars]

    def _operand(self, env: dict[Any, Value], var: Any) -> Value:
        if isinstance(var, Literal):
            aval: Any = var.aval
            return self.constant(np.asarray(var.val, aval.dtype))
        return env[var]

    def _apply(self, eqn: Any, inputs: Sequence[Value]) -> Sequence[Value]:
        if self.outlined.is_call(self, eqn):
            return self.outlined.call(self, eqn, inputs)
        return self.apply(eqn, inputs)

    def apply(self, eqn: Any, inputs: Sequence[Value]) -> Sequence[Value]:
        """Import an equation where it stands."""
        name = eqn.primitive.name
        found = _rule_of(eqn)
        if found is not None and name not in self.host_only:
            self.enclosing.append(eqn)
            with self._needing_sizes(eqn):
                outputs = found(self, eqn, *inputs)
            self.enclosing.pop()
            if outputs is not NotImplemented:
                count = self.native_primitives.get(name, 0)
                self.native_primitives[name] = count + 1
                return outputs if name in EXACT else [*map(self._rounded, outputs)]
        return RULES[FALLBACK](self, eqn, *inputs)

    @contextmanager
    def _needing_sizes(self, eqn: Any) -> Generator[None]:
        """Say which primitive it is whose rule needs a size that is symbolic."""
        try:
            yield
        except (InconclusiveDimensionOperation, TypeError) as error:
            if isinstance(error, TypeError) and "_DimExpr" not in str(error):
                raise
            line = self.locations[self.location(eqn)]
            name = eqn.primitive.name
            hosted = not eqn.effects and name not in INSEPARABLE
            raise UnknownSizeError(name, line, hosted) from error

    def _rounded(self, value: Value) -> Value:
        """Round what was computed in 32 bits to the 16 bits of its dtype."""
        if not is_small(value.dtype) or value.constant is not None:
            return value
        if value.ssa is not None:
            return replace(value, ssa=rounded(self, value.ssa, value.dtype))
        compute = value.element
        if value.memref is not None or compute is None:
            return value

        def element(indices: Sequence[SSAValue]) -> SSAValue:
            return rounded(self, compute(indices), value.dtype)

        return replace(value, element=element)

    def location(self, eqn: Any, message: str = "") -> int:
        """Return the id of the user's line that an equation comes from.

        A message about that line may go with it.
        """
        lines = map(user_line, (eqn, *reversed(self.enclosing)))
        return self.place(next(filter(None, lines), "") or calling_line(), message)

    def place(self, line: str, message: str = "") -> int:
        """Return the id of a line of the user's, or of what there is to say of it."""
        if not line and not message:
            return 0
        text = f"{line or 'unknown line'}: {message}" if message else line
        if text not in self._location_ids:
            self._location_ids[text] = len(self.locations)
            self.locations.append(text)
        return self._location_ids[text]


def _rule_of(eqn: Any) -> Rule | None:
    """Return the native rule of an equation, if there is one for its dtypes."""
    name, avals = eqn.primitive.name, [v.aval for v in (*eqn.invars, *eqn.outvars)]
    if name in STRUCTURAL or all(is_native(aval.dtype) for aval in avals):
        return RULES.get(name)
    return KEY_RULES.get(name) if any(is_key(aval.dtype) for aval in avals) else None


def _uses(jaxpr: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    last: dict[Any, int] = {}
    readers: dict[Any, int] = {}
    for position, eqn in enumerate(jaxpr.eqns):
        for var in {v for v in eqn.invars if not isinstance(v, Literal)}:
            last[var] = position
            readers[var] = readers.get(var, 0) + 1
    for var in jaxpr.outvars:
        if not isinstance(var, Literal):
            last[var] = len(jaxpr.eqns)
            readers[var] = readers.get(var, 0) + 1
    return last, readers
