"""PennyLane's spellings of control flow, as thin layers over `jax.lax`."""

import functools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from qjit.autograph.operators.truth import truth
from qjit.diagnostics.keywords import keywords
from qjit.diagnostics.translation import check_signature, explained, is_array, line_of
from qjit.errors import (
    BranchError,
    DimensionError,
    ParameterError,
    ParameterTypeError,
    QJitError,
)
from qjit.lowering.jax_internals.tracing import trace_state_clean, user_line
from qjit.lowering.jaxpr.primitives import integer_dtype
from qjit.lowering.jaxpr.traversal import Traced, trace
from qjit.ops.algebra.operator import is_operator
from qjit.ops.algebra.recording import Applied, expected
from qjit.tracing.bounded_loops import fori_loop, while_loop_of_at_most
from qjit.tracing.checks import checked
from qjit.tracing.ranges import make_range

NO_ITERATION = (
    "a loop without iterations has no value. Give the loop a state to begin with."
)


@keywords("allow_array_resizing")
def for_loop(
    start: Any, stop: Any = None, step: Any = 1, *, max_iterations: int | None = None
) -> Callable[..., Any]:
    """Return a decorator that runs `body(i, *state)` for i in a range.

    Args:
        start: first value of i; or the end of the range that begins with 0, if it is
            the only argument.
        stop: end of the range, not included.
        step: the stride. All three are integers of any type, known or traced.
        max_iterations: the most iterations that the loop can take, known when tracing,
            so that reverse-mode derivatives and inverses keep what each iteration
            computes. Around gates they keep 1024 iterations of a traced number when
            left out.

    Returns:
        A decorator; the decorated function takes the initial state and returns the
        final one, or what the last iteration returned if there is no state. The trip
        count may be traced.

    Raises:
        DifferentiationError: at run time, for more iterations than `max_iterations`.
        BranchError: if the body returns a state of another shape or dtype.
        ParameterError: for a step of zero, at run time if it is traced.
        ParameterTypeError: for bounds that are no integers.

    >>> import qjit as qj
    >>> @qj.for_loop(0, 4)
    ... def total(i, accumulated):
    ...     return accumulated + i
    >>> print(total(0))
    6
    """
    first, last = (0, start) if stop is None else (start, stop)

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        _check_callable(body, "for_loop")

        def run(*state: Any) -> Any:
            numbers = make_range(first, last, step)
            _check_arrays(state)
            _check_parameters(body, (0, *state))

            def iteration(k: Any, *carry: Any) -> Any:
                return body(numbers.item(k), *carry)

            def next_state(k: Any, carry: Any) -> Any:
                return _check_arrays(_as_state(iteration(k, *carry), len(state)))

            with _explained("for_loop"):
                if not state:
                    return _last_result(iteration, numbers.length, max_iterations)

                found = fori_loop(numbers.length, next_state, state, max_iterations)
            return found[0] if len(found) == 1 else found

        return run

    return decorate


def _last_result(iteration: Callable[[Any], Any], length: Any, most: int | None) -> Any:
    """Run a loop without state and return what its last iteration returned."""
    moving = isinstance(length, Tracer)
    if not moving and not length:
        return None
    counter = jax.ShapeDtypeStruct((), integer_dtype(), weak_type=not moving)
    traced = trace(_without_operations(iteration), counter)
    once = jaxpr_as_fun(ClosedJaxpr(traced.jaxpr, traced.consts))
    found = fori_loop(length, lambda k, _: once(k), _zeros(traced), most)
    return _unless_none(traced, found, length > 0 if moving else True)


def _zeros(traced: Traced) -> list[jax.Array]:
    """Return what a loop without state carries before its first iteration."""
    avals: list[Any] = [var.aval for var in traced.jaxpr.outvars]
    return [jnp.zeros(aval.shape, aval.dtype) for aval in avals]


def _unless_none(traced: Traced, found: list[Any], iterated: Any) -> Any:
    """Return the result of the last iteration, refusing to read that of none."""
    results = [checked(each, iterated, ParameterError, NO_ITERATION) for each in found]
    return expected(jax.tree.unflatten(traced.out_tree, results))


@keywords("allow_array_resizing")
def while_loop(
    cond_fn: Callable[..., Any], *, max_iterations: int | None = None
) -> Callable[..., Any]:
    """Return a decorator that runs `body(*state)` while `cond_fn(*state)` holds.

    Args:
        cond_fn: a function of the state that returns a boolean, or a number that is
            true if it is not zero.
        max_iterations: the most iterations that the loop can take; see `for_loop`.

    Returns:
        A decorator; the decorated function takes the initial state and returns the
        final one, or what the last iteration returned if there is no state.

    Raises:
        DifferentiationError: at run time, for more iterations than `max_iterations`.
        BranchError: if the body returns a state of another shape or dtype, or the
            condition an array.

    >>> import qjit as qj
    >>> @qj.while_loop(lambda x: x < 100)
    ... def doubled(x):
    ...     return 2 * x
    >>> print(doubled(3))
    192
    """
    _check_callable(cond_fn, "while_loop")

    def goes_on(state: Any) -> Any:
        return _as_predicate(cond_fn(*state), "the condition of a while_loop")

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        _check_callable(body, "while_loop")

        def run(*state: Any) -> Any:
            _check_arrays(state)
            _check_parameters(cond_fn, state)
            _check_parameters(body, state)

            def next_state(carry: Any) -> Any:
                return _check_arrays(_as_state(body(*carry), len(state)))

            with _explained("while_loop"):
                if not state:
                    return _last_result_while(goes_on, body, max_iterations)
                found = while_loop_of_at_most(
                    goes_on, next_state, state, max_iterations
                )
            return found[0] if len(found) == 1 else found

        return run

    return decorate


def _last_result_while(
    goes_on: Callable[[Any], Any], body: Callable[..., Any], most: int | None
) -> Any:
    """Run a loop without state and return what its last iteration returned."""
    traced = trace(_without_operations(body))
    once = jaxpr_as_fun(ClosedJaxpr(traced.jaxpr, traced.consts))
    iterated, found = while_loop_of_at_most(
        lambda _: goes_on(()),
        lambda _: (jnp.ones((), bool), once()),
        (jnp.zeros((), bool), _zeros(traced)),
        most,
    )
    return _unless_none(traced, found, iterated)


def _as_state(result: Any, count: int) -> tuple[Any, ...]:
    """Return what the body of a loop returned as a state of so many values."""
    if count == 1:
        return (result,)
    if not isinstance(result, tuple | list) or len(result) != count:
        several = isinstance(result, tuple | list)
        found = f"{len(result)} values" if several else _kind(result)
        raise BranchError(
            f"{user_line()}: a loop of {count} values has a body that returns {found}. "
            "The body returns as many values as it takes, without the counter."
        )
    return tuple(result)


def _check_arrays(state: Any) -> Any:
    """Return what a loop carries, or refuse what is no array."""
    for leaf in jax.tree.leaves(state):
        if not is_array(leaf):
            raise BranchError(
                f"{user_line()}: a loop carries arrays and numbers, but got "
                f"{_kind(leaf)}. Close over other values."
            )
    return state


def _kind(value: Any) -> str:
    if hasattr(value, "dtype"):
        return f"{value.dtype}{list(np.shape(value))}"
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _check_callable(function: Any, what: str) -> None:
    if is_operator(function):
        raise ParameterTypeError(
            f"{user_line()}: {what} takes a function, but got the operator "
            f"{function!r}, which would be applied in any case. Pass the function of "
            f"the gate, and call the result, as in qjit.{what}(m, qjit.X)(1)."
        )
    if not callable(function):
        raise ParameterTypeError(
            f"{user_line()}: {what} takes a function, but got {_kind(function)}."
        )


def _check_parameters(function: Callable[..., Any], args: Sequence[Any]) -> None:
    try:
        check_signature(function, args, {})
    except ValueError:  # some functions of C have no signature
        return


def _as_predicate(value: Any, what: str) -> Any:
    """Return whether a condition holds: a bool, or a traced one."""
    if isinstance(value, bool | int | float | complex) or np.ndim(value) == 0:
        known = value is not None and not isinstance(value, str | bytes)
        if known and (not callable(value) or hasattr(value, "dtype")):
            return truth(value)
    raise BranchError(
        f"{user_line()}: {what} is one boolean, but got {_kind(value)}. Use jnp.any or "
        "jnp.all, or jnp.where to choose element by element."
    )


def _explained(name: str) -> Any:
    """Explain what JAX refuses, unless the function around does."""
    return explained(name) if trace_state_clean() else nullcontext()


class Conditional:
    """A function chosen by predicates; see `cond`."""

    def __init__(self, predicate: Any, function: Callable[..., Any]) -> None:
        self._cases: list[tuple[Any, Callable[..., Any]]] = []
        self._default: Callable[..., Any] | None = None
        self.else_if(predicate)(function)

    def else_if(self, pred: Any) -> Callable[..., "Conditional"]:
        """Add a case that is tried if none before it held."""
        predicate = _as_predicate(pred, "the condition of a cond")

        def decorate(function: Callable[..., Any]) -> "Conditional":
            _check_callable(function, "cond")
            self._cases.append((predicate, function))
            return self

        return decorate

    def otherwise(self, otherwise_fn: Callable[..., Any]) -> "Conditional":
        """Set the function for when no case holds."""
        _check_callable(otherwise_fn, "cond")
        self._default = otherwise_fn
        return self

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run the function of the first case that holds."""
        open_cases: list[tuple[Any, Callable[..., Any]]] = []
        chosen = self._default
        for predicate, function in self._cases:
            if isinstance(predicate, Tracer):
                open_cases.append((predicate, function))
            elif predicate:
                chosen = function
                break
        with _explained("cond"):
            if not open_cases:
                return None if chosen is None else chosen(*args, **options)
            functions = [function for _, function in open_cases]
            functions.append(chosen or (lambda *_, **__: None))
            branches = _same_results(
                [functools.partial(each, *args, **options) for each in functions]
            )
            return expected(_first_of([each for each, _ in open_cases], branches))


def _first_of(predicates: list[Any], branches: list[Callable[[], Any]]) -> Any:
    """Run the branch of the first predicate that holds, or the last."""
    if not predicates:
        return branches[0]()
    rest = functools.partial(_first_of, predicates[1:], branches[1:])
    return jax.lax.cond(predicates[0], branches[0], rest)


def _same_results(branches: list[Callable[[], Any]]) -> list[Callable[[], Any]]:
    """Let branches return the dtypes that theirs are promoted to."""
    traced = [trace(_without_operations(branch)) for branch in branches]
    trees = [each.out_tree for each in traced]
    outs = [[var.aval for var in each.jaxpr.outvars] for each in traced]
    if any(tree != trees[0] for tree in trees) or any(
        len({aval.shape for aval in avals}) > 1 for avals in zip(*outs, strict=True)
    ):
        raise BranchError(
            f"{user_line()}: the branches of a cond return different structures or "
            f"shapes: {'; '.join(_described(each) for each in traced)}. Return the "
            "same from all of them, also from false_fn."
        )
    dtypes = [_promoted(avals) for avals in zip(*outs, strict=True)]

    def replayed(each: Traced) -> Callable[[], Any]:
        run = jaxpr_as_fun(ClosedJaxpr(each.jaxpr, each.consts))

        def branch() -> Any:
            values = [
                out if dtype is None else jax.lax.convert_element_type(out, dtype)
                for out, dtype in zip(run(), dtypes, strict=True)
            ]
            return jax.tree.unflatten(each.out_tree, values)

        return branch

    return [replayed(each) for each in traced]


def _promoted(avals: Sequence[Any]) -> Any:
    """Return the dtype that values are converted to, or None if they agree."""
    agree = len({aval.dtype for aval in avals}) == 1
    return None if agree else jnp.result_type(*avals)


def _described(traced: Traced) -> str:
    avals = [var.aval.str_short() for var in traced.jaxpr.outvars]
    return ", ".join(avals) or "nothing"


def _without_operations(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function return no gates that it applied."""

    def run(*args: Any) -> Any:
        return jax.tree.map(
            lambda leaf: None if isinstance(leaf, Applied) else leaf,
            function(*args),
            is_leaf=is_operator,
        )

    return run


def cond(
    condition: Any,
    true_fn: Callable[..., Any] | None = None,
    false_fn: Callable[..., Any] | None = None,
    elifs: Sequence[Any] = (),
) -> Any:
    """Choose between functions at run time.

    Args:
        condition: a boolean, known or traced, or a number that is true if it is not
            zero.
        true_fn: the function for true; leave out to use `cond` as a decorator, with
            `.else_if` and `.otherwise`.
        false_fn: the function for false; nothing happens when left out.
        elifs: pairs of a condition and its function, tried in order in between; or
            one such pair.

    Returns:
        A function of the arguments of the branches, or the decorator. Results of
        different dtypes are promoted as `jnp.where` does.

    Raises:
        BranchError: if the branches return different structures or shapes.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(x):
    ...     qj.cond(x > 0, qj.X, qj.H)(0)
    ...     return qj.expval(qj.Z(0))
    >>> print(circuit(0.5))
    -1.0
    """
    pairs = _pairs(elifs)

    def completed(function: Callable[..., Any]) -> Conditional:
        conditional = Conditional(condition, function)
        for predicate, branch in pairs:
            conditional.else_if(predicate)(branch)
        return conditional if false_fn is None else conditional.otherwise(false_fn)

    return completed if true_fn is None else completed(true_fn)


def _pairs(elifs: Sequence[Any]) -> list[tuple[Any, Any]]:
    items = list(elifs)
    if len(items) == 2 and not isinstance(items[0], tuple | list):
        items = [tuple(items)]
    if any(not isinstance(each, tuple | list) or len(each) != 2 for each in items):
        raise ParameterTypeError(
            f"{user_line()}: elifs takes pairs of a condition and a function."
        )
    return [(predicate, function) for predicate, function in items]


def vmap(
    fn: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that maps another one over axes of its arguments.

    Args:
        fn: a function of arrays, such as a quantum function; see `jax.vmap`.
        in_axes: which axis of each argument is mapped over, None for none; one for
            all, or a sequence with one for each.
        out_axes: where the mapped axis is in the results.
        axis_size: the size of the axis, where no argument tells.

    Returns:
        A function of the same arguments with one more axis.

    Raises:
        DimensionError: if the axes of the arguments differ in size, or are missing.

    >>> import jax.numpy as jnp
    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(angle):
    ...     qj.RX(angle, wires=0)
    ...     return qj.expval(qj.Z(0))
    >>> print(qj.vmap(circuit)(jnp.array([0.0, jnp.pi])))
    [ 1. -1.]
    """
    _check_callable(fn, "vmap")
    mapped = jax.vmap(fn, in_axes, out_axes, axis_size=axis_size)

    @functools.wraps(fn)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return mapped(*args, **kwargs)
        except QJitError:
            raise
        except (TypeError, ValueError) as error:
            if not str(error).startswith("vmap "):
                raise
            text = " ".join(str(error).split())
            raise DimensionError(f"{line_of(error)}: {text}") from error

    return run
