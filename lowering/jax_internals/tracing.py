"""The one place of the front end that reaches below JAX's public interface."""

import inspect
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

import jax

# Where XLA compiles: to tell a thread that compiles from one that waits.
from jax._src import compiler as compiler

# Effects: JAX offers no public way to let a new effect pass through control flow.
from jax._src import core as core
from jax._src import effects as effects

# Rules of new primitives: documented, but not re-exported.
from jax._src.ad_util import SymbolicZero as SymbolicZero
from jax._src.ad_util import Zero as Zero

# The type of arrays, but for traced ones and random keys.
from jax._src.array import ArrayImpl

# `jax.jit` dispatch needs to know whether a transformation is in progress.
from jax._src.core import trace_state_clean as trace_state_clean
from jax._src.interpreters import ad as ad
from jax._src.interpreters import batching as batching
from jax._src.interpreters import mlir as mlir
from jax._src.interpreters import partial_eval as partial_eval

# Equations that are evaluated again keep the user's lines, as in JAX's own evaluation.
from jax._src.source_info_util import user_context
from jax.sharding import NamedSharding, PartitionSpec

from .equations import calling_line, line_of_source
from .equations import is_user_filename as is_user_filename
from .equations import scan_counts as scan_counts
from .equations import without_dead_code as without_dead_code

ARRAY: Any = ArrayImpl


def allow_effect(effect: type[Any]) -> None:
    """Let an effect pass through control flow, `jax.jit` and custom derivatives."""
    for allowed in (
        effects.control_flow_allowed_effects,
        effects.lowerable_effects,
        effects.custom_derivatives_allowed_effects,
        effects.remat_allowed_effects,
    ):
        allowed.add_type(effect)


def dimension_constraints(sizes: Any) -> list[tuple[str, Any, bool]]:
    """Return what users said of symbolic sizes.

    Each item is its text, a size that is not negative then, and whether it is zero.
    """
    # NOTE: scopes have no public attribute for their constraints.
    scopes = {id(s.scope): s.scope for s in sizes if core.is_symbolic_dim(s)}
    return [
        (rule.debug_str, rule.diff, rule.cmp.name == "EQ")
        for scope in scopes.values()
        for rule in scope._explicit_constraints
    ]


def is_escaped(value: Any) -> bool:
    """Tell whether a value is traced, by a trace that has ended."""
    if not isinstance(value, core.Tracer):
        return False
    # NOTE: traces know which one they are inside of; none of it is public.
    trace: Any = core.trace_ctx.trace
    own = getattr(value, "_trace")  # noqa: B009 (private in JAX)
    while trace is not None and not isinstance(trace, core.EvalTrace):
        if trace is own:
            return False
        trace = getattr(trace, "parent_trace", None)
    return trace is not None


def wide_types() -> bool:
    """Tell whether JAX keeps 64-bit types."""
    return bool(jax.config.read("jax_enable_x64"))


def user_line(source_info: Any = None) -> str:
    """Return `file:line` of the user's code that an equation comes from."""
    line = "" if source_info is None else line_of_source(source_info)
    return line or calling_line() or "unknown line"


def innermost_trace() -> Any:
    """Return what tells a trace apart from those around it."""
    # NOTE: public is only whether there is one.
    return core.trace_ctx.trace


def zero_tangent(primal: Any) -> Any:
    """Return the symbolic zero tangent of a value."""
    aval: Any = jax.typeof(primal)
    return Zero(aval.to_tangent_aval())


def evaluated_parts(value: Any) -> Iterator[Any]:
    """Yield the arrays that are inside of a value of an eager transformation."""
    if not isinstance(value, core.Tracer):
        if isinstance(value, ARRAY):
            yield value
        return
    # NOTE: of batches, tangents and linearised values; none of it is public.
    for name in ("val", "primal", "tangent"):
        yield from evaluated_parts(getattr(value, name, None))


def is_ordered(effect: Any) -> bool:
    """Tell whether effects of a kind run in the order of the program."""
    return effects.ordered_effects.contains(effect)


def is_debugging(effect: Any) -> bool:
    """Tell whether an effect is that of `jax.debug`, which only looks."""
    # NOTE: its module moved between versions; nothing public names its type.
    return "Debug" in type(effect).__name__


def source_line(eqn: Any) -> Any:
    """Let new equations have the source line of another, in a `with` statement."""
    source = eqn.source_info
    return user_context(source.traceback, name_stack=source.name_stack)


def is_exporting(context: Any) -> bool:
    """Tell whether an equation is lowered for `jax.export`."""
    return bool(context.module_context.lowering_parameters.for_export)


def varying_axes(aval: Any) -> frozenset[Any]:
    """Return the axes of `shard_map` along which an array differs between devices."""
    # NOTE: the attribute was renamed in JAX 0.10.
    kind = getattr(aval, "manual_axis_type", None)
    return getattr(aval, "vma", frozenset()) if kind is None else kind.varying


def varying_alike(args: Sequence[Any]) -> list[Any]:
    """Let operands differ along the same axes of `shard_map`, as in JAX's."""
    each = [varying_axes(jax.typeof(arg)) for arg in args]
    every = frozenset[Any]().union(*each)
    if not every:
        return list(args)
    return [
        _vary(arg, tuple(sorted(every - own, key=str)))
        for arg, own in zip(args, each, strict=True)
    ]


def _vary(array: Any, axes: tuple[Any, ...]) -> Any:
    if not axes:
        return array
    if hasattr(jax.lax, "pcast"):  # not in JAX 0.7.1
        return jax.lax.pcast(array, axes, to="varying")
    return getattr(jax.lax, "pvary")(array, axes)  # noqa: B009 (gone since)


def result_aval(shape: Any, dtype: Any, operands: Sequence[Any]) -> Any:
    """Return the abstract result of an operation on operands that vary alike."""
    if not operands or not varying_axes(operands[0]):
        return core.ShapedArray(shape, dtype)
    first = operands[0]
    mesh, spec = first.sharding.mesh, PartitionSpec(*[None] * len(shape))
    sharding = NamedSharding(mesh, spec)
    return first.update(shape=shape, dtype=dtype, weak_type=False, sharding=sharding)


def bind_at_line(eqn: Any, args: Any) -> list[Any]:
    """Apply an equation's primitive to new arguments, on the same source line."""
    with source_line(eqn), eqn.ctx.manager:
        return bind(eqn, args)


def bind(eqn: Any, args: Any) -> list[Any]:
    """Apply an equation's primitive to new arguments."""
    found = eqn.primitive.get_bind_params(eqn.params)
    # NOTE: until JAX 0.8 this was a pair of functions and parameters.
    subfuns, params = found if isinstance(found, tuple) else ((), found)
    result = eqn.primitive.bind(*subfuns, *args, **params)
    return list(result) if eqn.primitive.multiple_results else [result]


def is_differentiated(value: Any) -> bool:
    """Tell whether a value is being differentiated by."""
    while isinstance(value, batching.BatchTracer):
        value = value.val
    return isinstance(value, ad.JVPTracer | ad.LinearizeTracer)


def _jax_frames() -> Iterator[tuple[str, FrameType]]:
    """Yield the functions of JAX that are being evaluated, the innermost first."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("jax._src."):
            yield frame.f_code.co_name, frame
        frame = frame.f_back


def is_axis_of_directions(axis: Any) -> bool:
    """Tell whether `vmap` maps the directions of a derivative alone.

    So it is in `jax.jacfwd`, which takes the value as the same in all of them.
    """
    # NOTE: traces do not know it, nor which results have to be mapped.
    return any(
        _is_along(axis, frame.f_locals["tangents"])
        and not _is_along(axis, frame.f_locals["primals"])
        for name, frame in _jax_frames()
        if name == "_jvp"
    )


def forget_batched() -> None:
    """Let JAX batch anew what has no mapped input, and is being batched."""
    for name, frame in _jax_frames():
        if name in ("_batch_jaxpr2", "_batch_jaxpr_axes"):
            found = frame.f_locals
            kept = getattr(batching, name)
            if any(axis is not None for axis in found["in_axes"]):
                continue
            if hasattr(kept, "evict_weakref"):  # not in JAX 0.7.1
                kept.evict_weakref(found["closed_jaxpr"])
            else:
                kept.cache_clear()


def _is_along(axis: Any, values: Any) -> bool:
    """Tell whether some values differ along an axis of `vmap`."""
    rows = [v for v in jax.tree.leaves(values) if isinstance(v, batching.BatchTracer)]
    return any(getattr(row, "_trace").axis_data is axis for row in rows)  # noqa: B009


def is_hoisting() -> bool:
    """Tell whether JAX evaluates before a loop what is the same in all iterations.

    It does so with the part of a `scan` that derivatives leave as it is.
    """
    # NOTE: a trace does not know what for it tells the known from the unknown.
    hoisting = {"_scan_known_hoisting", "_scan_partial_eval_custom"}
    return any(name in hoisting for name, _ in _jax_frames())


def is_while_taken_whole() -> bool:
    """Tell whether derivatives take what a `while_loop` has evaluated as one value.

    It is then hoisted, or evaluated again under `jax.checkpoint`, as a whole.
    """
    for name, frame in _jax_frames():
        if name == "_while_partial_eval_custom":
            return True
        if name == "_while_partial_eval" and not any(frame.f_locals["unknowns"]):
            return True
    return False
