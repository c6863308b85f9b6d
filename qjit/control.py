"""PennyLane's spellings of control flow, as thin layers over `jax.lax`."""

import functools
from collections.abc import Callable
from typing import Any

import jax


def for_loop(start: Any, stop: Any, step: Any = 1) -> Callable[..., Any]:
    """Return a decorator that runs `body(i, *state)` for i in a range.

    Args:
        start: first value of i, an integer, known or traced.
        stop: end of the range, not included.
        step: the stride; a negative one is known when tracing.

    Returns:
        A decorator; the decorated function takes the initial state and returns the
        final one. The trip count may be traced; reverse-mode differentiation needs a
        known one.

    Raises:
        BranchError: if the body returns a state of another shape or dtype.

    >>> import qjit as qj
    >>> @qj.for_loop(0, 4)
    ... def total(i, accumulated):
    ...     return accumulated + i
    >>> print(total(0))
    6
    """

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        def run(*state: Any) -> Any:
            if isinstance(step, int) and step < 0:
                trips = (start - stop - step - 1) // -step
            else:
                trips = (stop - start + step - 1) // step

            def turn(k: Any, carry: Any) -> Any:
                return _as_state(body(start + k * step, *carry), len(state))

            return _unpacked(jax.lax.fori_loop(0, trips, turn, state))

        return run

    return decorate


def while_loop(condition: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorator that runs `body(*state)` while `condition(*state)` holds.

    Args:
        condition: a function of the state that returns a boolean.

    Returns:
        A decorator; the decorated function takes the initial state and returns the
        final one.

    Raises:
        BranchError: if the body returns a state of another shape or dtype.

    >>> import qjit as qj
    >>> @qj.while_loop(lambda x: x < 100)
    ... def doubled(x):
    ...     return 2 * x
    >>> print(doubled(3))
    192
    """

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        def run(*state: Any) -> Any:
            def turn(carry: Any) -> Any:
                return _as_state(body(*carry), len(state))

            found = jax.lax.while_loop(lambda carry: condition(*carry), turn, state)
            return _unpacked(found)

        return run

    return decorate


def _as_state(result: Any, count: int) -> tuple[Any, ...]:
    if count == 0:
        return ()
    return (result,) if count == 1 else tuple(result)


def _unpacked(state: tuple[Any, ...]) -> Any:
    if not state:
        return None
    return state[0] if len(state) == 1 else state


class Conditional:
    """A function chosen by predicates; see `cond`."""

    def __init__(self, predicate: Any, function: Callable[..., Any]) -> None:
        self._cases: list[tuple[Any, Callable[..., Any]]] = [(predicate, function)]
        self._default: Callable[..., Any] = lambda *_, **__: None

    def else_if(self, predicate: Any) -> Callable[..., "Conditional"]:
        """Add a case that is tried if none before it held."""

        def decorate(function: Callable[..., Any]) -> "Conditional":
            self._cases.append((predicate, function))
            return self

        return decorate

    def otherwise(self, function: Callable[..., Any]) -> "Conditional":
        """Set the function for when no case holds."""
        self._default = function
        return self

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run the function of the first case that holds."""
        chosen = _discarding_operations(self._default, options)
        for predicate, function in reversed(self._cases):
            case = _discarding_operations(function, options)
            chosen = _either(predicate, case, chosen)
        return chosen(*args)


def _either(
    predicate: Any, function: Callable[..., Any], otherwise: Callable[..., Any]
) -> Callable[..., Any]:
    return lambda *args: jax.lax.cond(predicate, function, otherwise, *args)


def _discarding_operations(
    function: Callable[..., Any], options: dict[str, Any]
) -> Callable[..., Any]:
    from .operations import Operation

    @functools.wraps(function)
    def run(*args: Any) -> Any:
        result = function(*args, **options)
        return None if isinstance(result, Operation) else result

    return run


def cond(
    predicate: Any,
    true_fn: Callable[..., Any] | None = None,
    false_fn: Callable[..., Any] | None = None,
) -> Any:
    """Choose between functions at run time.

    Args:
        predicate: a traced or concrete boolean.
        true_fn: the function for true; leave out to use `cond` as a decorator, with
            `.else_if` and `.otherwise`.
        false_fn: the function for false; nothing happens when left out.

    Returns:
        A function of the arguments of the branches, or the decorator.

    Raises:
        BranchError: if the branches return values of different shapes or dtypes.

    >>> import qjit as qj
    >>> @qj.qnode(wires=1)
    ... def circuit(x):
    ...     qj.cond(x > 0, qj.X, qj.H)(0)
    ...     return qj.expval(qj.Z(0))
    >>> print(circuit(0.5))
    -1.0
    """
    if true_fn is None:
        return lambda function: Conditional(predicate, function)
    conditional = Conditional(predicate, true_fn)
    return conditional if false_fn is None else conditional.otherwise(false_fn)
