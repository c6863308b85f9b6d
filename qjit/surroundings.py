"""Global variables and closures that a traced function reads: whether they changed.

A trace holds the values that they had. In a notebook they change while functions stay,
so what was traced is traced again once one of them is another object, or unequal.
Objects that are changed in place, and attributes, are not watched.
"""

import dis
import functools
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from .jax_internals import is_user_filename
from .portable import Portable

_MISSING = object()
_STORE_GLOBAL = dis.opmap["STORE_GLOBAL"]
_LIBRARIES = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")
)


@dataclass
class Surroundings:
    """The variables that functions read, with their values."""

    names: list[tuple[Callable[..., Any], str, Any]] = field(
        default_factory=list[tuple[Callable[..., Any], str, Any]]
    )
    cells: list[tuple[CellType, Any]] = field(
        default_factory=list[tuple[CellType, Any]]
    )

    @staticmethod
    def of(function: Any) -> "Surroundings":
        """Return what a function reads, and those that it calls."""
        found, known = Surroundings(), set[int]()
        waiting = [function]
        while waiting:
            inner = _plain(waiting.pop())
            if inner is not None and id(inner) not in known:
                known.add(id(inner))
                waiting.extend(found._add(inner))
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
            if value is not _MISSING and not isinstance(value, ModuleType):
                self.names.append((namespace.get, name, value))
                yield value
        stored = _stored_in_cells(function.__code__)
        freevars = function.__code__.co_freevars
        for name, cell in zip(freevars, function.__closure__ or (), strict=True):
            value = _contents(cell)
            if name not in stored and not isinstance(value, ModuleType):
                self.cells.append((cell, value))
                yield value


def _plain(value: Any) -> FunctionType | None:
    """Return the Python function of the user's behind something that is called."""
    while True:
        if isinstance(value, Portable):
            value = value.made_from()[0]
        elif isinstance(value, functools.partial):
            value = value.func
        elif isinstance(value, MethodType):
            value = value.__func__
        elif not isinstance(value, FunctionType) or _is_of_user(value):
            return value if isinstance(value, FunctionType) else None
        else:
            value = value.__dict__.get("__wrapped__")


def _is_of_user(function: FunctionType) -> bool:
    file = function.__code__.co_filename
    return is_user_filename(file) and not file.startswith(_LIBRARIES)


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _is_equal(one: Any, other: Any) -> bool:
    """Compare values whose hash tells what they are."""
    if type(one) is not type(other) or isinstance(one, FunctionType | Portable):
        return False
    try:
        return hash(one) == hash(other) and bool(one == other)
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
