"""`qjit`: compile a hybrid program to one native function that JAX calls."""

import contextlib
import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr

from qjit.autograph import converted
from qjit.diagnostics.notebook import StageTexts, function_table
from qjit.diagnostics.options import jitted
from qjit.diagnostics.translation import (
    call,
    check_result_size,
    check_results,
    explained,
)
from qjit.diagnostics.translation import called as call_explained
from qjit.errors import ParameterError, UnsupportedError
from qjit.jit.stages.abstracted_axes import (
    AbstractedAxes,
    arguments_of,
    check_sizes,
    concrete_avals,
    has_symbolic_shape,
)
from qjit.jit.stages.ahead_of_time import Traced
from qjit.jit.stages.shape_checks import ShapeChecks
from qjit.jit.stages.symbolic import DynamicTraced
from qjit.lowering.driver.program import Program, compile_program
from qjit.lowering.jax_internals.tracing import trace_state_clean, user_line, wide_types
from qjit.lowering.jaxpr.dimensions import UnknownSizeError, names, numbers
from qjit.lowering.passes import pipeline as pipelines
from qjit.runtime.recent import Recent
from qjit.tracing.context import ProgramContext, compiled
from qjit.tracing.native_calls import abstract
from qjit.tracing.random_keys import checked_seed
from qjit.tracing.references import discharged

from .arguments import Named, Parts, TakesStatic
from .captured_variables import CapturedVariables
from .importing.submitting import Submits
from .pause_gc import waiting_collector
from .pickling import Picklable
from .pipelines import checked_steps, estimates_of

if TYPE_CHECKING:
    from .importing.submission import Submission


@dataclass(frozen=True)
class Signature:
    """The arguments of one call: which are arrays, and what the program sees of them.

    `avals` may have symbolic dimensions, whose sizes in this call are `sizes`.
    """

    leaves: list[Any]
    tree: Any
    arrays: list[int]
    avals: list[jax.ShapeDtypeStruct]
    sizes: dict[str, int]

    @property
    def operands(self) -> list[Any]:
        """The arrays among the arguments."""
        return [self.leaves[position] for position in self.arrays]

    @property
    def alone(self) -> "Signature":
        """The same for the sizes of this call only."""
        avals = [a.update(shape=numbers(a.shape, self.sizes)) for a in self.avals]
        return replace(self, avals=avals, sizes={})

    @property
    def key(self) -> Any:
        """What programs are told apart by."""
        leaves: list[Any] = list(map(_content, self.leaves))
        for position, aval in zip(self.arrays, self.avals, strict=True):
            leaves[position] = (tuple(aval.shape), aval.dtype, aval.weak_type)
        return (self.tree, *leaves, wide_types())


def _content(leaf: Any) -> Any:
    """Return what equal leaves of static arguments share, such as a matrix."""
    if isinstance(leaf, Tracer) or not hasattr(leaf, "dtype"):
        return leaf
    known = np.asarray(leaf)
    return known.shape, known.dtype, known.tobytes()


class QJIT(TakesStatic, Picklable, Submits):
    """A compiled function; it behaves like the Python function under JAX."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        self.wrap(function)
        self._given = function, dict(options)
        options = {**options, **_static_options(function, options)}
        autograph: bool = options.pop("autograph")
        self.function = function = converted(function) if autograph else function
        self._name = getattr(function, "__name__", "program")
        self._seed = checked_seed(options.pop("seed"))
        self._steps = checked_steps(pipelines.resolve, options.pop("pipeline"))
        self._keep_stages: bool = options.pop("keep_stages")
        self._axes = AbstractedAxes(options.pop("abstracted_axes"), self._name)
        self._programs: Recent[Any, tuple[Program, Any, ShapeChecks]] = Recent()
        self._latest: Recent[Any, Program] = Recent()  # by its signature
        self.named = Named.of(
            function, options["static_argnums"], options["static_argnames"]
        )
        self._can_be_apart = not self._axes and options["donate_argnums"] is None
        self._by_static = Recent()
        self._options = options
        self._converted: QJIT | None = self if autograph else None
        self.renew()

    def renew(self) -> None:
        """Forget what was traced."""
        self._programs.clear()
        self._latest.clear()
        if self._converted is not self:
            self._converted = None
        # NOTE: of new functions, because JAX keeps the traces of equal ones.
        self._jitted = self._jit(self._native)
        rerolls = any(step.name == "reroll-loops" for step in self._steps)
        context = ProgramContext(rerolls, estimates_of(self._steps))
        self._traced = compiled(self.function, context)
        self._inlined = jitted(self._traceable, self._options)

    def made_from(self) -> tuple[Any, ...]:
        """Return the arguments of an equal compiled function."""
        return self._given

    def of_arrays(self, function: Callable[..., Any]) -> "QJIT":
        """Return the same compiled function of arrays only."""
        whole = {"static_argnums": None, "static_argnames": None}
        return QJIT(function, {**self._given[1], **whole})

    def with_autograph(self) -> "QJIT":
        """Return the same with Python's control flow converted."""
        if self._converted is None:
            function, options = self._given
            self._converted = QJIT(function, {**options, "autograph": True})
        return self._converted

    def call_arrays(self, args: Any, kwargs: Any, key: Any = None) -> Any:
        """Run the function on arrays; a whole program has its own seed, and no key."""
        if args and isinstance(args[0], Parts):
            # NOTE: `jax.jit` hands on the object itself, whose attributes are traced.
            return self._call_apart(args, kwargs, key, self._level)
        jitted = self._jitted if trace_state_clean() else self._inlined
        return call(jitted, self.function, args, kwargs)

    def submission(self, *args: Any, **kwargs: Any) -> "tuple[Submission, list[Any]]":
        """Return what `submit` hands in, and what that takes."""
        found: Any = _Submitting(*self.made_from()).dispatch(args, kwargs)
        return found

    def compile_ahead(self, avals: Sequence[Any]) -> None:
        """Compile for arguments that come later."""
        self._surroundings = CapturedVariables.of(self.function)
        self._jitted.trace(*avals)

    def _jit(self, function: Callable[..., Any]) -> Any:
        """Let JAX call a function as it would call the original."""

        @functools.wraps(self.function)
        def called(*args: Any, **kwargs: Any) -> Any:
            return function(self._signature(args, kwargs))

        return jitted(called, self._options)

    @property
    def _traceable(self) -> Callable[..., Any]:
        """The function, with errors and results as they are checked when traced."""

        @functools.wraps(self.function)
        def traced(*args: Any, **kwargs: Any) -> Any:
            shapes = [each.shape for each in arguments_of(args, kwargs)]
            with explained(self._name, dimensions=names(shapes)):
                results = self._traced(*args, **kwargs)
            check_results(results, self.function)
            return results

        return traced

    def _native(self, signature: Signature) -> Any:
        program, tree = self._specialise(signature)
        results = program.call(*signature.operands, sizes=signature.sizes)
        return jax.tree.unflatten(tree, results)

    def _signature(self, args: Any, kwargs: Any) -> Signature:
        leaves, tree = jax.tree.flatten((args, kwargs))
        # NOTE: what JAX did not trace is part of a static argument.
        arrays = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tracer)]
        avals = [abstract(leaves[position], self._name) for position in arrays]
        if not self._axes:
            return Signature(leaves, tree, arrays, avals, {})
        shapes, sizes = self._axes.shapes(args, kwargs)
        symbolic = [
            aval.update(shape=shapes[position])
            for position, aval in zip(arrays, avals, strict=True)
        ]
        return Signature(leaves, tree, arrays, symbolic, sizes)

    def _signature_of(self, args: Any, kwargs: Any) -> Signature:
        """Return the signature of a call that is not made."""
        found: list[Signature] = []
        with call_explained(self.function, args, kwargs):
            self._jit(found.append).eval_shape(*args, **kwargs)
        return found[0]

    def _specialise(self, signature: Signature) -> tuple[Program, Any]:
        """Return the program for a signature, and the structure of its results."""
        if not self._axes:
            return self._compile(signature, self._keep_stages)[:2]
        key = signature.key
        known = self._programs.get(key)
        if known is None:
            known = self._compile(signature, self._keep_stages)
            self._programs[key] = known
        if self._axes.told_apart(signature.sizes):
            return self._specialise(signature.alone)
        program, tree, checks = known
        checks.check(signature.sizes)
        check_sizes(program, signature.sizes, self._name)
        return program, tree

    def _compile(
        self, signature: Signature, keep_stages: bool
    ) -> tuple[Program, Any, ShapeChecks]:
        with waiting_collector():
            closed, tree = self._trace(signature)
            checks = ShapeChecks(closed, self._name)
            checks.check(signature.sizes)
            check_result_size(
                concrete_avals(closed.out_avals, signature.sizes), self._name
            )
            program = self._compile_jaxpr(closed, keep_stages=keep_stages)
        self._latest.clear()
        self._latest[signature.key] = program
        return program, tree, checks

    def _trace(self, signature: Signature) -> tuple[ClosedJaxpr, Any]:
        def flat(*values: Any) -> Any:
            full = list(signature.leaves)
            for position, value in zip(signature.arrays, values, strict=True):
                full[position] = value
            args, kwargs = jax.tree.unflatten(signature.tree, full)
            results = self._traced(*args, **kwargs)
            check_results(results, self.function)
            return results

        with explained(self._name, dimensions=signature.sizes):
            traced = jax.make_jaxpr(flat, return_shape=True)(*signature.avals)
        closed = discharged(traced[0], self._name)
        return closed, jax.tree.structure(traced[1])

    def _compile_jaxpr(self, closed: ClosedJaxpr, *, keep_stages: bool) -> Program:
        try:
            return compile_program(
                closed,
                name=self._name,
                seed=self._seed,
                steps=self._steps,
                keep_stages=keep_stages,
            )
        except pipelines.PassError as error:
            raise UnsupportedError(str(error)) from error
        except UnknownSizeError as error:
            raise UnsupportedError(
                f"{error.line or user_line()}: '{self._name}' is compiled for arrays "
                f"of any size, which '{error.primitive}' cannot take here. Leave the "
                "axis out of abstracted_axes: then each size is compiled by itself."
            ) from error

    def jaxpr(self, *args: Any, **kwargs: Any) -> ClosedJaxpr:
        """Return the jaxpr that these arguments are traced to."""
        return self._trace(self._signature_of(args, kwargs))[0]

    def stages(self, *args: Any, **kwargs: Any) -> dict[str, str]:
        """Compile for these arguments and return the text of every stage."""
        signature = self._signature_of(args, kwargs)
        program = self._latest.get(signature.key)
        if program is None or not program.stages:
            program, *_ = self._compile(signature, keep_stages=True)
        return StageTexts({"jaxpr": str(self.jaxpr(*args, **kwargs)), **program.stages})

    def _repr_html_(self) -> str:
        steps = ", ".join(step.name for step in self._steps)
        rows = {"compiled by": "qjit", "pipeline": steps}
        return function_table(self.function, self._name, rows)

    def report(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Compile for these arguments and tell what was compiled how.

        Returns:
            "native" and "host": how many primitives of each name run natively, and
            which call back into JAX; "seconds": compile seconds by stage;
            "diff_method": how each quantum function in it is differentiated; "cache":
            "hit" if it was compiled by an earlier process, or else "miss", or "not
            kept" and why; "passes": for each pass that changed the number of gates,
            how many there are of each name before and after it, as the program text
            has them.
        """
        signature = self._signature_of(args, kwargs)
        program = self._latest.get(signature.key)
        if program is None:
            program, _ = self._specialise(signature)
        return program.report

    def exportable(self, args: Any, kwargs: Any) -> Any:
        """Return what JAX traces for `jax.export`, which takes no native code."""
        return self._inlined.trace(*args, **kwargs)

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """Lower for these arguments, as `jax.jit(f).lower` does.

        Shapes may have dimensions of `jax.export.symbolic_shape`; what is compiled
        then takes arrays of all sizes.
        """
        return self.trace(*args, **kwargs).lower()

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """Trace for these arguments, as `jax.jit(f).trace` does."""
        if not has_symbolic_shape(args, kwargs):
            traced = self._jitted.trace(*args, **kwargs)
            return Traced(self, args, kwargs, traced)
        shapes = [each.shape for each in arguments_of(args, kwargs)]
        with explained(self._name, dimensions=names(shapes)):
            traced = self._inlined.trace(*args, **kwargs)
        return DynamicTraced(self._name, traced, self._compile_jaxpr)


def _static_options(function: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return which arguments are static: those of a quantum function, unless said."""
    names = ("static_argnums", "static_argnames")
    given = isinstance(function, TakesStatic) and function.named.some
    if not given or any(options[name] is not None for name in names):
        return {name: options[name] for name in names}
    named = function.named
    return dict(zip(names, (sorted(named.positions), sorted(named.names)), strict=True))


class _Submitting(QJIT):
    """A compiled function whose calls return what there is to hand in."""

    def of_arrays(self, function: Callable[..., Any]) -> "_Submitting":
        """Return the same of arrays only."""
        whole = {"static_argnums": None, "static_argnames": None}
        return _Submitting(function, {**self.made_from()[1], **whole})

    def call_arrays(self, args: Any, kwargs: Any, key: Any = None) -> Any:
        """Trace the function for these arguments."""
        from .importing.submission import Submission

        if args and isinstance(args[0], Parts):
            return self._call_apart(args, kwargs, key, self._level)
        signature = self._signature_of(args, kwargs)
        closed, tree = self._trace(signature)
        leaves = jax.tree.leaves((args, kwargs))
        operands = [leaves[position] for position in signature.arrays]
        return Submission(closed, tree, self._name), operands


def qjit(
    fn: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    donate_argnums: int | Sequence[int] | None = None,
    abstracted_axes: Any = None,
    autograph: bool = False,
    pipeline: Any = None,
    seed: Any = None,
    keep_stages: bool = False,
    verbose: bool = False,
) -> Any:
    """Compile a function of arrays that may call quantum functions.

    Args:
        fn: the function; leave out to give options.
        static_argnums, static_argnames, donate_argnums: as in `jax.jit`.
        abstracted_axes: names of axes that may have any size, as in `{0: "n"}` or
            `("n", None)`, once for all arguments or once per argument. One compilation
            serves all sizes; axes of one name have one size in a call.
        autograph: let traced values decide Python's `if`, `for`, `while`, `and`, `or`,
            `not` and the like, in `fn` and in the functions that it calls.
        pipeline: names of passes, passes of xDSL, or a callable from the default tuple
            of names to a new one; None for the default. `qj.passes` lists them. Where
            names are given, levels after "quantum" of which there is none are as usual.
            Or a text: "simulate", which is the default, or "hardware:0" to
            "hardware:3", which take more time for fewer two-qubit gates.
        seed: seed of all random numbers that have no seed of their own, an integer or a
            key of JAX.
        keep_stages: keep the text of every stage.
        verbose: refused; `f.report(*args)` and `f.stages(*args)` tell what was done.

    Returns:
        A function with the same meaning. Inside a JAX transformation it acts as
        `jax.jit` of the function; its quantum parts are native there as well.

    Raises:
        PipelineError: if a pass does not exist, or cannot work where it stands.
        DimensionError: if axes of one name have different sizes, or if the function
            needs the size of an abstracted axis when it is traced.
        SourceError: for `autograph`, if the source of `fn` is not available.

    Where every parameter has a type hint that tells its shape, `float`, `int`, `bool`,
    `complex` or a `jax.ShapeDtypeStruct`, the function is compiled at once.

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
    if verbose:
        raise ParameterError(
            f"{user_line()}: qjit prints nothing while it compiles. Leave verbose out: "
            "f.report(*args) tells what was compiled how, and f.stages(*args) has the "
            "text of every stage."
        )
    options: dict[str, Any] = {
        "static_argnums": static_argnums,
        "static_argnames": static_argnames,
        "donate_argnums": donate_argnums,
        "abstracted_axes": abstracted_axes,
        "seed": seed,
        "pipeline": pipeline,
        "keep_stages": keep_stages,
        "autograph": autograph,
    }
    if fn is None:
        return lambda function: _ahead(QJIT(function, dict(options)))
    return _ahead(QJIT(fn, options))


# Types of Python's numbers, as JAX takes them.
_NUMBERS = {bool: False, int: 0, float: 0.0, complex: 0j}


def _ahead(compiled: QJIT) -> QJIT:
    """Compile a function now, if type hints tell all of its arguments.

    What cannot be compiled yet, as where a name is not defined, is when it is called.
    """
    avals = _hinted(compiled.function)
    if avals and not compiled.named.some:
        with contextlib.suppress(Exception):
            compiled.compile_ahead(avals)
    return compiled


def _hinted(function: Any) -> list[Any]:
    """Return the abstract arguments that hints tell, if these tell all."""
    try:
        signature = inspect.signature(function, eval_str=True)
    except (TypeError, ValueError, NameError):
        return []
    kinds = inspect.Parameter
    found: list[Any] = []
    for parameter in signature.parameters.values():
        hint = parameter.annotation
        if parameter.kind not in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD):
            return []
        if isinstance(hint, jax.ShapeDtypeStruct):
            found.append(hint)
        elif isinstance(hint, type) and hint in _NUMBERS:
            found.append(abstract(_NUMBERS[hint], parameter.name))
        else:
            return []
    return found
