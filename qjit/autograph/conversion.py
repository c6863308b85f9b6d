"""Which functions are converted, and how a converted function is made."""

import functools
import inspect
import os
import sysconfig
import types
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any, Protocol, runtime_checkable

from qjit.autograph.rewrite.source import all_codes, code_of
from qjit.errors import SourceError
from qjit.runtime.sources import PACKAGE

_LIBRARIES = tuple(
    {
        *(
            sysconfig.get_path(k)
            for k in ("stdlib", "platstdlib", "purelib", "platlib")
        ),
        os.path.realpath(PACKAGE) + os.sep,
        PACKAGE + os.sep,
        "<frozen",
    }
)
_MARK = "__qjit_converted__"
_converted_codes: set[int] = set()
_kept: list[CodeType] = []
_left_alone: set[CodeType] = set()
# What converted code calls, as `_qj`: the module `operators`, which sets it.
namespace: list[Any] = []


@runtime_checkable
class Convertible(Protocol):
    """An object of qjit that holds a user's function."""

    def with_autograph(self) -> Any:
        """Return the same with the function converted."""
        ...


def disable_autograph(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a function's control flow as it is, wherever it is called from.

    >>> import qjit as qj
    >>> @qj.disable_autograph
    ... def table(size):
    ...     return [n * n for n in range(size) if n % 2]
    """
    _left_alone.add(function.__code__)
    return function


def converted(function: Any) -> Any:
    """Return a function with its control flow converted, as deep as it calls.

    Raises:
        SourceError: the source of the function is not available.
    """
    match function:
        case FunctionType():
            return _function(function)
        case MethodType():
            return MethodType(converted(function.__func__), function.__self__)
        case functools.partial():
            inner = called(function.func)
            return functools.partial(inner, *function.args, **function.keywords)
        case Convertible():
            return function.with_autograph()
        case _:
            return function


def called(function: Any) -> Any:
    """Return what to call in the place of a function: itself, if it is no user's."""
    kind = type(function)
    if kind is FunctionType:
        if not is_users(function):
            return function
        try:
            return _function(function)
        except SourceError:
            return function
    if kind is MethodType:
        inner = called(function.__func__)
        same = inner is function.__func__
        return function if same else MethodType(inner, function.__self__)
    if kind is types.BuiltinFunctionType or isinstance(function, type):
        return function
    if isinstance(function, functools.partial | Convertible):
        return converted(function)
    method = inspect.getattr_static(kind, "__call__", None)
    if isinstance(method, FunctionType) and is_users(method):
        return MethodType(called(method), function)
    return function


def is_converted(function: Any) -> bool:
    """Tell whether a function is converted, or was asked to be left alone."""
    code = getattr(function, "__code__", None)
    return code is not None and (id(code) in _converted_codes or code in _left_alone)


def is_users(function: FunctionType) -> bool:
    """Tell whether a function is a user's, and not converted yet."""
    code = function.__code__
    return (
        id(code) not in _converted_codes
        and code not in _left_alone
        and not code.co_filename.startswith(_LIBRARIES)
    )


def _function(function: FunctionType) -> FunctionType:
    before = function.__dict__.get(_MARK)
    # NOTE: functools.wraps copies the mark to wrappers, which are other functions.
    if before is not None and before[0] is function:
        return before[1]
    code = function.__code__
    if id(code) in _converted_codes or code in _left_alone:
        return function
    new = _make(function, code_of(function))
    function.__dict__[_MARK] = (function, new)
    return new


def _make(function: FunctionType, code: CodeType) -> FunctionType:
    for each in all_codes(code):
        if id(each) not in _converted_codes:
            # NOTE: kept alive, since they are known by their identity.
            _kept.append(each)
            _converted_codes.add(id(each))
    cells = dict(
        zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    )
    cells["_qj"] = CellType(namespace[0])
    closure = tuple(cells[name] for name in code.co_freevars)
    new = FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, closure
    )
    new.__kwdefaults__ = function.__kwdefaults__
    functools.update_wrapper(new, function)
    new.__dict__.pop("__wrapped__")
    return new
