"""`qjit`: compile a hybrid program to one native function that JAX calls."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from . import import_rules
from .diagnostics import call, check_room, explained
from .errors import UnsupportedError
from .jax_internals import trace_state_clean


def _abstract(leaf: Any) -> jax.ShapeDtypeStruct:
    aval = jax.typeof(leaf)
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)


def native_call(function: Callable[..., Any], args: Sequence[Any], name: str) -> Any:
    """Compile a function of arrays and call it, inside a JAX trace."""
    closed = jax.make_jaxpr(function)(*map(_abstract, args))
    check_room(closed.out_avals, name)
    return import_rules.compile_jaxpr(closed, name=name).call(*args)


class QJIT:
    """A compiled function; it behaves like the Python function under JAX."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self._seed: int | None = options.pop("seed")
        self._passes: Any = options.pop("pipeline")
        keep: bool = options.pop("keep_stages")
        self._keep_stages = keep
        self._options = options
        self._jitted = jax.jit(self._native, **options)
        self._inlined = jax.jit(function, **options)
        self._last: Any = (None, None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function, compiling it on the first call of a signature."""
        if not trace_state_clean():
            return call(self._inlined, self.function, args, kwargs)
        return call(self._jitted, self.function, args, kwargs)

    def _native(self, *args: Any, **kwargs: Any) -> Any:
        program, leaves, tree = self._compile(args, kwargs, self._keep_stages)
        return jax.tree.unflatten(tree, program.call(*leaves))

    def _compile(
        self, args: Any, kwargs: Any, keep_stages: bool
    ) -> tuple[Any, list[Any], Any]:
        leaves, in_tree = jax.tree.flatten((args, kwargs))
        arrays = [i for i, leaf in enumerate(leaves) if _is_array(leaf)]

        def flat(*values: Any) -> Any:
            full = list(leaves)
            for position, value in zip(arrays, values, strict=True):
                full[position] = value
            args, kwargs = jax.tree.unflatten(in_tree, full)
            return self.function(*args, **kwargs)

        operands = [leaves[position] for position in arrays]
        name = getattr(self, "__name__", "program")
        with explained(name):
            closed, shapes = jax.make_jaxpr(flat, return_shape=True)(
                *map(_abstract, operands)
            )
        check_room(closed.out_avals, name)
        program = import_rules.compile_jaxpr(
            closed,
            name=name,
            seed=self._seed,
            pipeline=self._passes,
            keep_stages=keep_stages,
        )
        self._last = (self._signature(args, kwargs), program)
        return program, operands, jax.tree.structure(shapes)

    def _signature(self, args: Any, kwargs: Any) -> tuple[list[Any], Any]:
        leaves, tree = jax.tree.flatten((args, kwargs))
        kinds = [_abstract(leaf) if _is_array(leaf) else leaf for leaf in leaves]
        return kinds, tree

    def jaxpr(self, *args: Any, **kwargs: Any) -> ClosedJaxpr:
        """Return the jaxpr that these arguments are traced to."""
        return jax.make_jaxpr(self.function)(*args, **kwargs)

    def stages(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        """Compile for these arguments and return the text of every stage."""
        program, _, _ = self._compile(args, kwargs, keep_stages=True)
        return {"jaxpr": str(self.jaxpr(*args, **kwargs)), **program.stages}

    def report(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Compile for these arguments and tell what was compiled how.

        Returns:
            "native" and "host": how many primitives of each name run natively, and
            which call back into JAX; "seconds": compile seconds by stage.
        """
        signature, program = self._last
        if signature != self._signature(args, kwargs):
            program, _, _ = self._compile(args, kwargs, keep_stages=False)
        return program.report

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """Lower for these arguments, as `jax.jit(f).lower` does."""
        return self._jitted.lower(*args, **kwargs)

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """Trace for these arguments, as `jax.jit(f).trace` does."""
        return self._jitted.trace(*args, **kwargs)


def _is_array(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") or isinstance(leaf, (int, float, complex, bool))


def qjit(
    fn: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    abstracted_axes: Any = None,
    autograph: bool = False,
    pipeline: Any = None,
    seed: int | None = None,
    keep_stages: bool = False,
) -> Any:
    """Compile a function of arrays that may call quantum functions.

    Args:
        fn: the function; leave out to give options.
        static_argnums, static_argnames, donate_argnums: as in `jax.jit`.
        pipeline: names of passes, passes, or a callable from the default tuple to a
            new one; None for the default.
        seed: seed of all random numbers that have no seed of their own.
        keep_stages: keep the text of every stage.

    Returns:
        A function with the same meaning. Inside a JAX transformation it acts as
        `jax.jit` of the function; its quantum parts are native there as well.

    Raises:
        UnsupportedError: for `abstracted_axes` and `autograph`, which this version
            does not have.

    >>> import jax, qjit as qj
    >>> @qj.qnode(wires=1)
    ... def energy(angle):
    ...     qj.RX(angle, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> @qj.qjit
    ... def descend(angle):
    ...     step = lambda _, a: a - 0.4 * jax.grad(energy)(a)
    ...     return jax.lax.fori_loop(0, 50, step, angle)
    >>> print(f"{descend(0.5):.4f}")
    3.1416
    """
    if abstracted_axes is not None or autograph:
        option = "autograph" if autograph else "abstracted_axes"
        raise UnsupportedError(f"qjit({option}=...) is not supported yet.")
    options: dict[str, Any] = {
        "static_argnums": static_argnums,
        "static_argnames": static_argnames,
        "donate_argnums": donate_argnums,
        "seed": seed,
        "pipeline": pipeline,
        "keep_stages": keep_stages,
    }
    if fn is None:
        return lambda function: QJIT(function, dict(options))
    return QJIT(fn, options)
