"""Pure JAX primitives of quantum functions, and their batches.

`qnode` runs a traced function as it is. Its derivative splits the function and goes
through `circuit`, which has no classical code in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import Jaxpr, Primitive

from qjit.diagnostics.translation import ready, reraised
from qjit.dialects.targets import find_target
from qjit.errors import DifferentiationError, UnsupportedError
from qjit.lowering.importer import extensions
from qjit.lowering.jax_internals.tracing import (
    Zero,
    batching,
    is_exporting,
    mlir,
    result_aval,
    user_line,
    varying_alike,
    zero_tangent,
)
from qjit.lowering.jaxpr.structural_hash import hashed_by_fields
from qjit.tracing.callbacks import classical_effects, without_callbacks
from qjit.tracing.native_calls import native_call
from qjit.tracing.random_keys import WORDS

from .hybrid_split import CircuitProgram, HybridPartition, partition, shaped

extensions.MODULES.append("qjit.jit.importing.rules")

Params = dict[str, Any]


@hashed_by_fields
@dataclass(frozen=True, eq=False)
class Circuit:
    """A traced quantum function: its inputs are its operands, constants first.

    The last input of one that draws is the key of its random numbers.
    """

    jaxpr: Jaxpr
    num_wires: int
    dtype: np.dtype[Any]
    shots: int | None
    name: str
    diff_method: str | None
    differences: Any  # how differences are taken, for the methods that take some
    masks_shots: bool = False  # those that a postselection refuses
    device: str = "statevector"
    passes: tuple[Any, ...] = ()  # on its circuits only: texts, and passes of users
    labels: tuple[str, ...] = ()  # of wires that are not called by their numbers
    estimates: int | None = None  # of how many samples a pass makes exact statistics

    @cached_property
    def effects(self) -> frozenset[Any]:
        """The effects of callbacks that take outcomes on the way."""
        return classical_effects(self.jaxpr)

    @cached_property
    def silent(self) -> "Circuit":
        """The function without callbacks, for its derivatives."""
        if not self.effects:
            return self
        return replace(self, jaxpr=without_callbacks(self.jaxpr))

    @cached_property
    def partition(self) -> HybridPartition:
        """The function divided into classical code and a circuit."""
        parts = self.jaxpr, self.num_wires, self.dtype, self.name
        found = partition(*parts, self.method)
        own: dict[str, Any] = {"device": self.device, "passes": self.passes}
        if self.estimates is not None:
            own |= {"samples": True, "estimated": True}
        return replace(found, program=replace(found.program, **own))

    @property
    def draws(self) -> bool:
        """Whether random numbers are drawn, for its results or for a derivative."""
        return self.statistical_shots is not None or self.diff_method == "spsa"

    @property
    def statistical_shots(self) -> int | None:
        """The number of shots that statistics are made of; None if they are exact."""
        return self.estimates if self.shots is None else self.shots

    @property
    def masks_rows(self) -> bool:
        """Whether some of its shots may not count."""
        return self.masks_shots and self.shots is not None

    def with_key(self) -> "Circuit":
        """Return one whose last input is its key, if it draws, of one that has none."""
        if not self.draws:
            return self
        (key,) = jax.make_jaxpr(lambda _: ())(WORDS).jaxpr.invars
        invars = [*self.jaxpr.invars, key]
        return replace(self, jaxpr=self.jaxpr.replace(invars=invars))

    def key_of(self, args: Sequence[Any]) -> Any:
        """Return the key among the operands; None if nothing is drawn."""
        return args[-1] if self.draws else None

    @property
    def method(self) -> str:
        """How the function is differentiated: what "best" stands for."""
        if self.diff_method is None:
            raise DifferentiationError(
                f"{user_line()}: '{self.name}' has diff_method=None, so it has no "
                "derivative. Use diff_method='best'."
            )
        target = find_target(self.device)
        known = target.derivatives
        found = self.diff_method
        if found == "best":
            exact = self.statistical_shots is None
            best = "adjoint" if exact else "parameter-shift"
            found = best if best in known or not known else known[0]
        if found not in known:
            raise DifferentiationError(
                f"{user_line()}: '{self.name}' has diff_method='{found}', but circuits "
                f"on device '{target.name}' are differentiated by "
                f"{', '.join(known) or 'no method'}. Choose such a method, or the "
                "device 'statevector'."
            )
        return found


class PurePrimitive(Primitive):
    """A primitive of quantum programs without an effect on a quantum state."""

    multiple_results = True

    def bind(self, *args: Any, **params: Any) -> Any:
        """Apply it, to operands that differ along the same axes of `shard_map`."""
        return super().bind(*varying_alike(args), **params)


def pure_primitive(
    name: str, results: Callable[..., Sequence[ShapedArray]]
) -> Primitive:
    """Make a pure primitive that runs natively, alone or over a batch."""
    primitive = PurePrimitive(name)

    def abstract_eval(*avals: ShapedArray, batch: Any, **params: Any) -> Any:
        circuit = params.get("circuit")
        effects = set[Any]() if circuit is None else set(circuit.effects)
        return shapes(*avals, batch=batch, **params), effects

    def shapes(*avals: ShapedArray, batch: Any, **params: Any) -> Any:
        if batch is None:
            outs = results(*avals, **params)
            return [result_aval(out.shape, out.dtype, avals) for out in outs]
        size, batched = batch
        single = [
            ShapedArray(aval.shape[1:], aval.dtype) if on else aval
            for aval, on in zip(avals, batched, strict=True)
        ]
        outs = results(*single, **params)
        return [result_aval((size, *out.shape), out.dtype, avals) for out in outs]

    def implementation(*args: Any, **params: Any) -> Any:
        with reraised(), jax.disable_jit(False):
            return ready(_jitted(primitive, tuple(sorted(params.items())))(*args))

    primitive.def_effectful_abstract_eval(abstract_eval)
    primitive.def_impl(implementation)
    batching.primitive_batchers[primitive] = _batcher(primitive)
    mlir.register_lowering(primitive, _lowering(primitive))
    return primitive


@lru_cache(maxsize=1024)
def _jitted(primitive: Primitive, params: tuple[tuple[str, Any], ...]) -> Any:
    return jax.jit(lambda *args: primitive.bind(*args, **dict(params)))


def _lowering(primitive: Primitive) -> Callable[..., Any]:
    """Return the rule that calls the native program, but refuses to export it."""
    lower = mlir.lower_fun(_native(primitive), True)

    def rule(context: Any, *operands: Any, **params: Any) -> Any:
        if is_exporting(context):
            called = params.get("circuit") or params["program"]
            raise UnsupportedError(
                f"{user_line()}: jax.export cannot take '{called.name}', whose native "
                "code belongs to this process. Give the Python function to the other "
                "process, by pickle or by import: there it compiles again, or is found "
                "in the cache on disk."
            )
        return lower(context, *operands, **params)

    return rule


def _native(primitive: Primitive) -> Callable[..., Any]:
    """Return a function that calls the primitive's own compiled program."""

    def run(*args: Any, **params: Any) -> Any:
        def program(*operands: Any) -> Any:
            return primitive.bind(*operands, **params)

        called = params.get("circuit") or params["program"]
        return native_call(program, args, called.name)

    return run


def _batcher(primitive: Primitive) -> Callable[..., Any]:
    """Return the rule that folds one more mapped axis into the batch."""

    def rule(
        args: Sequence[Any], axes: Sequence[Any], *, batch: Any, **params: Any
    ) -> tuple[Sequence[Any], Sequence[int]]:
        pairs = list(zip(args, axes, strict=True))
        size = next(a.shape[ax] for a, ax in pairs if ax is not None)
        moved = [a if ax is None else jnp.moveaxis(a, ax, 0) for a, ax in pairs]
        mapped = [axis is not None for axis in axes]
        if batch is None:
            new = (size, tuple(mapped))
            outs = primitive.bind(*moved, batch=new, **params)
            return outs, (0,) * len(outs)
        inner, batched = batch
        either = [m or b for m, b in zip(mapped, batched, strict=True)]
        full = [
            _merge(arg, m, b, size, inner) if on else arg
            for arg, m, b, on in zip(moved, mapped, batched, either, strict=True)
        ]
        outs = primitive.bind(*full, batch=(size * inner, tuple(either)), **params)
        return [out.reshape(size, inner, *out.shape[1:]) for out in outs], (0,) * len(
            outs
        )

    return rule


def _merge(arg: Any, mapped: bool, batched: bool, outer: int, inner: int) -> Any:
    """Give an operand the one axis of a batch of batches."""
    if not mapped:
        arg = jnp.broadcast_to(arg, (outer, *arg.shape))
    if not batched:
        arg = jnp.broadcast_to(arg[:, None], (outer, inner, *arg.shape[1:]))
    return arg.reshape(outer * inner, *arg.shape[2:])


def mapped_over_batch(primitive: Primitive, batch: Any, params: Params) -> Any:
    """Return a function that runs a batched primitive entry by entry."""
    _, batched = batch

    def run(*args: Any) -> Any:
        mapped = [arg for arg, on in zip(args, batched, strict=True) if on]

        def entry(slices: Sequence[Any]) -> Any:
            rest = iter(slices)
            single = [
                next(rest) if on else arg for arg, on in zip(args, batched, strict=True)
            ]
            return primitive.bind(*single, batch=None, **params)

        return jax.lax.map(entry, mapped)

    return run


def _qnode_results(*_: ShapedArray, circuit: Circuit) -> list[ShapedArray]:
    return [shaped(var.aval) for var in circuit.jaxpr.outvars]


def _circuit_results(*_: ShapedArray, program: CircuitProgram) -> Sequence[ShapedArray]:
    return program.results


qnode_p = pure_primitive("qnode", _qnode_results)
circuit_p = pure_primitive("circuit", _circuit_results)


def along(function: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """Differentiate a function along the tangents that are not symbolic zeros."""
    active = [not isinstance(tangent, Zero) for tangent in tangents]

    def of_active(*values: Any) -> Any:
        rest = iter(values)
        pairs = zip(primals, active, strict=True)
        return function(*(next(rest) if on else p for p, on in pairs))

    outs, found = jax.jvp(
        of_active,
        [p for p, on in zip(primals, active, strict=True) if on],
        [t for t, on in zip(tangents, active, strict=True) if on],
    )
    zeros = [
        zero_tangent(out) if tangent.dtype == jax.dtypes.float0 else tangent
        for out, tangent in zip(outs, found, strict=True)
    ]
    return outs, zeros
