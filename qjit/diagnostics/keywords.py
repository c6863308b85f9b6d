"""Keywords of PennyLane that change no result here, and the checks of calls.

PennyLane's functions take labels, wires lent to decompositions, and switches of checks
that are always made here. A function that is ported passes them; each is taken where it
may be ignored, and refused where it would change the result.
"""

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from qjit.errors import ArgumentError, ParameterError
from qjit.lowering.jax_internals.tracing import user_line

Result = TypeVar("Result")


@dataclass(frozen=True)
class Keyword:
    """One keyword: its value when left out, and the values that may be ignored."""

    default: Any
    ignored: tuple[Any, ...] | None = None  # all, if None
    remedy: str = ""


# How PennyLane runs a quantum function; the results do not depend on it.
UNUSED: dict[str, Any] = {
    "grad_on_execution": "best",
    "cache": "auto",
    "cachesize": 10000,
    "max_diff": 1,
    "device_vjp": False,
    "mcm_method": None,
    "executor_backend": None,
}

KEYWORDS: dict[str, Keyword] = {
    "id": Keyword(None),  # a label of the operator
    "work_wires": Keyword(()),  # lent to its decomposition
    "work_wire_type": Keyword("borrowed", ("borrowed", "zeroed")),
    "unitary_check": Keyword(False),  # matrices are always checked
    "validate_norm": Keyword(True),  # and so are states
    "check_hermitian": Keyword(True),  # and observables
    "lazy": Keyword(True),  # which of two equal operators is built
    "grouping_type": Keyword(
        None, (None,), "Group the terms with qjit.group_observables."
    ),
    "method": Keyword("lf"),  # of the grouping
    "pauli": Keyword(
        False, (False,), "The result is an operator; its terms are Pauli words."
    ),
    "k": Keyword(1),  # how many eigenvalues of a sparse matrix
    "which": Keyword("SA"),
    "allow_array_resizing": Keyword(
        "auto", ("auto", False), "Arrays in loops keep their shapes."
    ),
    **{name: Keyword(default) for name, default in UNUSED.items()},
    "measurement": Keyword(
        None, (None,), "A snapshot is of the state: compute from it what is needed."
    ),
}


def keywords(
    *names: str, former: dict[str, str] | None = None
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Let a function take more keywords of PennyLane's, and former names of its own.

    Args:
        names: the keywords, which follow the function's parameters in this order.
        former: names that parameters are known by as well.
    """
    renamed = former or {}

    def extended(function: Callable[..., Result]) -> Callable[..., Result]:
        signature = _extended(inspect.signature(function), names)
        checked = _checked(function, signature, names, renamed)
        if (build := getattr(function, "build", None)) is not None:
            other = _checked(build, signature, names, renamed)
            setattr(checked, "build", other)  # noqa: B010
        return checked

    return extended


def _checked(
    function: Callable[..., Result],
    signature: inspect.Signature,
    names: tuple[str, ...],
    former: dict[str, str],
) -> Callable[..., Result]:
    what, taken = function.__name__, {*names, *former}
    most = _most_by_position(inspect.signature(function))

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Result:
        if len(args) <= most and taken.isdisjoint(kwargs):
            try:
                return function(*args, **kwargs)
            except TypeError:
                bound_arguments(signature, what, args, kwargs)
                raise
        for old in former.keys() & kwargs.keys():
            kwargs[former[old]] = kwargs.pop(old)
        bound = bound_arguments(signature, what, args, kwargs)
        for name in names:
            if name in bound.arguments:
                check_keyword(what, name, bound.arguments.pop(name))
        return function(*bound.args, **bound.kwargs)

    setattr(run, "__signature__", signature)  # noqa: B010
    return run


def _most_by_position(signature: inspect.Signature) -> float:
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return math.inf
    return kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _extended(signature: inspect.Signature, names: tuple[str, ...]) -> Any:
    """Return a signature with more keywords: by position too, where nothing varies."""
    known = list(signature.parameters.values())
    last = [p for p in known if p.kind is inspect.Parameter.VAR_KEYWORD]
    kinds = {parameter.kind for parameter in known}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.KEYWORD_ONLY}:
        kind = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter(name, kind, default=KEYWORDS[name].default) for name in names
    ]
    rest = [parameter for parameter in known if parameter not in last]
    return signature.replace(parameters=[*rest, *more, *last])


def bound_arguments(
    signature: inspect.Signature, what: str, args: Any, kwargs: Any
) -> inspect.BoundArguments:
    """Return the arguments of a call by their names."""
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        shown = ", ".join(map(_shown, signature.parameters.values()))
        raise ArgumentError(
            f"{user_line()}: {what} was called with arguments that it cannot take: "
            f"{error}. It takes {what}({shown})."
        ) from None


def _shown(parameter: inspect.Parameter) -> str:
    default, empty = parameter.default, inspect.Parameter.empty
    if default is not empty and callable(default):
        return f"{parameter.name}={getattr(default, '__name__', default)}"
    return str(parameter.replace(annotation=empty))


def check_keyword(what: str, name: str, value: Any) -> None:
    """Refuse a value of a keyword that would change the result."""
    keyword = KEYWORDS[name]
    if keyword.ignored is None:
        return
    if not any(type(value) is type(each) and value == each for each in keyword.ignored):
        listed = " or ".join(map(repr, keyword.ignored))
        raise ParameterError(
            f"{user_line()}: {name}={value!r} is not supported by {what}, which takes "
            f"{listed}. {keyword.remedy}".rstrip()
        )


def check_interface(interface: str | None) -> None:
    """Refuse the arrays of other libraries."""
    if interface not in ("auto", "jax", "jax-jit", None):
        raise ParameterError(
            f"{user_line()}: interface takes 'auto' or 'jax', but got {interface!r}. "
            "Quantum functions take and return JAX arrays: convert them with "
            "jax.numpy.asarray and numpy.asarray."
        )
