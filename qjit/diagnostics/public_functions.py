"""The public functions: what they are called with wrongly is an error of ours."""

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any

from qjit.errors import ArgumentError, ParameterError, QJitError
from qjit.lowering.jax_internals.tracing import user_line

from .translation import is_users

# What wrong arguments raise in Python's own code, in NumPy's and in JAX's.
TYPE_ERRORS = (TypeError, AttributeError, LookupError, AssertionError)
VALUE_ERRORS = (ValueError, ArithmeticError)


def public(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Let a function raise our errors, with the user's line, for wrong arguments.

    Errors of code that the user passes in, such as the body of a loop, stay theirs.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except QJitError:
            raise
        except (*TYPE_ERRORS, *VALUE_ERRORS) as error:
            traceback = error.__traceback__
            if _reaches_user(traceback and traceback.tb_next):
                raise
            raise _explained(error, function, name, args, kwargs) from error

    # NOTE: picklers look for what users have by these names.
    called.__module__, called.__qualname__ = "qjit", name
    return called


def _reaches_user(traceback: TracebackType | None) -> bool:
    """Tell whether an error was raised in code of the user's."""
    while traceback is not None:
        frame = traceback.tb_frame
        # NOTE: the methods that dataclasses make have no file, but our module.
        ours = str(frame.f_globals.get("__name__")).startswith("qjit.")
        if not ours and is_users(frame.f_code.co_filename):
            return True
        traceback = traceback.tb_next
    return False


def _explained(
    error: Exception, function: Callable[..., Any], name: str, args: Any, kwargs: Any
) -> QJitError:
    signature = inspect.signature(function)
    kind = ArgumentError if isinstance(error, TYPE_ERRORS) else ParameterError
    cause = str(error)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as mismatch:
        kind, cause = ArgumentError, str(mismatch)
    bare = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in signature.parameters.values()
    ]
    takes = inspect.Signature(bare)
    return kind(
        f"{user_line()}: {name} was called with arguments that it cannot take: "
        f"{cause.rstrip('.')}. It takes {name}{takes}."
    )
