"""Compiled functions travel between processes as functions do, and compile again.

A function that its module knows by name is sent as that name, and arrives as the very
object of that name. Picklers that send code, such as cloudpickle's, may send any other.
"""

import functools
import sys
import types
import weakref
from functools import cached_property
from typing import Any, Self

# What does not pass from a compiled function to one that is made from it.
OWN = ("source", "_is_apart", "_level", "_can_be_apart", "_surroundings")


class Picklable:
    """A function made from another one, which pickles by name or as that one."""

    def wrap(self, function: Any) -> None:
        """Look like a function; its attributes may be those of another compiled one."""
        whole: Any = self
        functools.update_wrapper(whole, function)
        for name in OWN:
            self.__dict__.pop(name, None)

    def made_from(self) -> tuple[Any, ...]:
        """Return what makes an equal one: the function, then the other arguments."""
        raise NotImplementedError

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        source, path = self.source, _path_of(self)
        named = _of_same_name(self)
        if path is None and named is not None:
            return _varied, (type(self), named, *self.made_from()[1:])
        if isinstance(source, types.FunctionType) and path is not None:
            source.__qualname__ = f"{path}.source"
        return _remade, (type(self), source, *self.made_from()[1:])

    @cached_property
    def source(self) -> Any:
        """The function that it was made from, with a name of its own for picklers."""
        given = self.made_from()[0]
        if not isinstance(given, types.FunctionType):
            return given
        source = types.FunctionType(
            given.__code__,
            given.__globals__,
            given.__name__,
            given.__defaults__,
            given.__closure__,
        )
        for name in ("kwdefaults", "annotations", "module", "qualname", "doc"):
            setattr(source, f"__{name}__", getattr(given, f"__{name}__"))
        _owners[source] = weakref.ref(self)
        return source


_owners: "weakref.WeakKeyDictionary[Any, weakref.ref[Picklable]]"
_owners = weakref.WeakKeyDictionary()


def _of_same_name(portable: Picklable) -> Picklable | None:
    """Return the function that has the name of one, if both are made from the same."""
    found = _at(portable)
    if not isinstance(found, Picklable) or found is portable:
        return None
    same = found.made_from()[0] is portable.made_from()[0]
    return found if same else None


def _at(portable: Picklable) -> Any:
    """Return what the name of a function leads to."""
    found: Any = sys.modules.get(getattr(portable, "__module__", ""))
    for name in getattr(portable, "__qualname__", "").split("."):
        found = getattr(found, name, None)
    return found


def _path_of(portable: Picklable) -> str | None:
    """Return the path from its module to a function, if its name leads there."""
    path: str = getattr(portable, "__qualname__", "")
    found = _at(portable)
    while isinstance(found, Picklable) and found is not portable:
        found, path = found.source, f"{path}.source"
    return path if found is portable else None


def _remade(kind: Any, source: Any, *arguments: Any) -> Picklable:
    """Return the function that was sent: the one of that name, or a new one."""
    owner = _owners.get(source) if isinstance(source, types.FunctionType) else None
    found = None if owner is None else owner()
    return kind(source, *arguments) if found is None else found


def _varied(kind: Any, named: Picklable, *arguments: Any) -> Picklable:
    """Return another one of what a function was made from."""
    return kind(named.made_from()[0], *arguments)
