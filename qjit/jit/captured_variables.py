"""Global variables and closures that a traced function reads: whether they changed.

A trace holds the values that they had. In a notebook they change while functions stay,
so what was traced is traced again once one of them is another object, or unequal.
Objects that are changed in place, and attributes, are not watched.
"""

import builtins
import dis
import functools
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, cast

import jax
import numpy as np

from qjit.lowering.jax_internals.tracing import is_user_filename

from .pickling import Picklable

_MISSING = object()
_STORE_GLOBAL = dis.opmap["STORE_GLOBAL"]
_BUILTINS = vars(builtins)
_BY_DIGITS = float, complex, tuple, frozenset, np.generic
# What holds no functions, and may come in lists of millions.
_LEAVES = frozenset({int, float, complex, bool, str, bytes, np.ndarray, type(None)})
_LIBRARIES = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")
)


@dataclass
class CapturedVariables:
    """The variables that functions read, with their values."""

    names: list[tuple[Callable[..., Any], str, Any]] = field(
        default_factory=list[tuple[Callable[..., Any], str, Any]]
    )
    cells: list[tuple[CellType, Any]] = field(
        default_factory=list[tuple[CellType, Any]]
    )

    @staticmethod
    def of(function: Any) -> "CapturedVariables":
        """Return what a function reads, and those that it calls."""
        found, known, names = CapturedVariables(), dict[int, Any](), set[str]()
        waiting, spaces = [function], list[Mapping[str, Any]]()
        while waiting:
            value = waiting.pop()
            if id(value) in known or type(value) in _LEAVES:
                continue
            known[id(value)] = value
            if isinstance(value, FunctionType) and _is_of_user(value):
                waiting.extend(found._add(value))
                new = _read(value.__code__) - names
                waiting.extend(_named(spaces, new))
                names |= new
            elif added := _namespaces(value):
                waiting.extend((*_named(added, names), *_special(added)))
                spaces.extend(added)
            else:
                waiting.extend(_held(value))
        return found

    def changed(self) -> bool:
        """Tell whether a variable has another value than before."""
        for get, name, value in self.names:
            now = get(name, _MISSING)
            if now is not value and not _is_equal(now, value):
                return True
        for cell, value in self.cells:
            now = _contents(cell)
            if now is not value and not _is_equal(now, value):
                return True
        return False

    def _add(self, function: FunctionType) -> Iterator[Any]:
        """Watch what a function reads, and yield the values."""
        namespace = function.__globals__
        for name in _read(function.__code__):
            # NOTE: names of attributes are among these, and mostly are no variables.
            value = namespace.get(name, _MISSING)
            yield value
            if value is _MISSING and name not in _BUILTINS:
                continue
            if not isinstance(value, ModuleType) or _namespaces(value):
                self.names.append((namespace.get, name, value))
        yield from function.__defaults__ or ()
        yield from (function.__kwdefaults__ or {}).values()
        # A method calls others of its class, which it need not name.
        yield namespace.get(function.__qualname__.partition(".")[0])
        stored = _stored_in_cells(function.__code__)
        freevars = function.__code__.co_freevars
        for name, cell in zip(freevars, function.__closure__ or (), strict=True):
            value = _contents(cell)
            yield value
            if name not in stored and not isinstance(value, ModuleType):
                self.cells.append((cell, value))


def _held(value: Any) -> Iterable[Any]:
    """Return what a value may call, or hand to who does."""
    match value:
        case Picklable():
            return value.made_from()[:1]
        case functools.partial():
            return value.func, *value.args, *value.keywords.values()
        case MethodType():
            return (value.__func__, value.__self__)
        case staticmethod() | classmethod():
            return (value.__func__,)
        case property():
            return (value.fget,)
        case functools.cached_property():
            return (value.func,)
        case list() | tuple() | set() | frozenset():
            return cast(Iterable[Any], value)
        case dict():
            return cast(dict[Any, Any], value).values()
        case jax.custom_jvp() | jax.custom_vjp():
            return vars(cast(Any, value)).values()
        case FunctionType():
            return (value.__dict__.get("__wrapped__"),)
        case _:
            return ()


def _namespaces(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the names in a module, a class or an object, if the user wrote it."""
    if isinstance(value, ModuleType):
        file = getattr(value, "__file__", None) or ""
        return [vars(value)] if _is_user_file(file) else []
    kind = value if isinstance(value, type) else type(value)
    if not _has_methods(kind):
        return []
    own = () if kind is value else (getattr(value, "__dict__", {}),)
    return *own, *(vars(base) for base in kind.__mro__[:-1])


@functools.lru_cache(maxsize=1024)
def _has_methods(kind: type) -> bool:
    """Tell whether a class has methods that the user wrote, its own or inherited."""
    members = (member for base in kind.__mro__ for member in vars(base).values())
    functions = (each for member in members for each in (member, *_held(member)))
    return any(isinstance(f, FunctionType) and _is_of_user(f) for f in functions)


def _named(spaces: Iterable[Mapping[str, Any]], names: AbstractSet[str]) -> list[Any]:
    """Return what code of these names may take from namespaces."""
    return [space[name] for space in spaces for name in names if name in space]


def _special(spaces: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return the methods in namespaces that operators and calls name."""
    return [
        value
        for space in spaces
        for name, value in space.items()
        if name.startswith("__") and isinstance(value, FunctionType)
    ]


def _is_of_user(function: FunctionType) -> bool:
    return _is_user_file(function.__code__.co_filename)


def _is_user_file(file: str) -> bool:
    return is_user_filename(file) and not file.startswith(_LIBRARIES)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _is_equal(one: Any, other: Any) -> bool:
    """Compare values whose hash tells what they are."""
    if type(one) is not type(other) or isinstance(one, FunctionType | Picklable):
        return False
    try:
        equal = hash(one) == hash(other) and bool(one == other)
        # NOTE: -0.0 == 0.0, and (1,) == (1.0,).
        return equal and (not isinstance(one, _BY_DIGITS) or repr(one) == repr(other))
    except (TypeError, ValueError):
        return False


@functools.lru_cache(maxsize=1024)
def _read(code: CodeType) -> frozenset[str]:
    """Return the names of variables that code may read but does not write."""
    names = frozenset(code.co_names).union(*map(_read, _inner(code)))
    return names - _stored(code, _STORE_GLOBAL)


def _stored_in_cells(code: CodeType) -> frozenset[str]:
    return _stored(code, dis.opmap["STORE_DEREF"])


@functools.lru_cache(maxsize=1024)
def _stored(code: CodeType, operation: int) -> frozenset[str]:
    """Return the variables that code writes by an operation."""
    found = frozenset[str]().union(*(_stored(c, operation) for c in _inner(code)))
    if operation not in code.co_code[::2]:
        return found
    return found | {
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opcode == operation
    }


def _inner(code: CodeType) -> Iterator[CodeType]:
    return (const for const in code.co_consts if isinstance(const, CodeType))
