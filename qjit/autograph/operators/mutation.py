"""Noticing containers that a trace changes besides the variables it may change."""

from collections.abc import Callable, Iterable
from types import CellType, FunctionType, MethodType
from typing import Any

from .variables import UNDEFINED, Cell, Contents, Fixed, Item, Slots

_MOST = 10_000


class Containers:
    """The lists, dictionaries, sets and objects that functions can reach."""

    def __init__(self, functions: Iterable[Callable[..., Any]]) -> None:
        self._found: dict[int, tuple[str, Any, Any]] = {}
        self._cells: dict[int, tuple[str, CellType, Any]] = {}
        self._names: dict[int, str] = {}
        for function in functions:
            self._visit(function)

    def _visit(self, value: Any) -> None:
        pending = [value]
        seen: set[int] = set()
        while pending and len(seen) < _MOST:
            value = pending.pop()
            if id(value) in seen:
                continue
            seen.add(id(value))
            pending += self._children(value)

    def _children(self, value: Any) -> list[Any]:
        match value:
            case FunctionType():
                names = value.__code__.co_names
                module = value.__globals__
                found = [module[n] for n in names if n in module]
                outer = [v for v in found if isinstance(v, list | dict | set)]
                return [*self._variables(value), *outer]
            case MethodType():
                return [value.__func__, value.__self__]
            case tuple():
                return list(value)
            case list() | set():
                return self._keep("", value, type(value)(value), list(value))
            case dict():
                return self._keep("", value, dict(value), list(value.values()))
            case _ if _is_record(value):
                attributes = vars(value)
                children = list(attributes.values())
                name = type(value).__name__
                return self._keep(name, attributes, dict(attributes), children)
            case _:
                return []

    def _keep(
        self, name: str, container: Any, copy: Any, children: list[Any]
    ) -> list[Any]:
        label = name or self._names.get(id(container), type(container).__name__)
        self._found[id(container)] = (label, container, copy)
        return children

    def _variables(self, function: FunctionType) -> list[Any]:
        names = function.__code__.co_freevars
        cells = dict(zip(names, function.__closure__ or (), strict=True))
        cells.pop("_qj", None)
        found = {name: Cell(cell).read() for name, cell in cells.items()}
        for name, cell in cells.items():
            self._cells[id(cell)] = (name, cell, found[name])
            self._names[id(found[name])] = name
        return list(found.values())

    def restore(self) -> Slots:
        """Give everything its contents back, and return what had changed."""
        changed: Slots = {}
        for name, cell, value in self._cells.values():
            slot = Cell(cell)
            if slot.read() is not value:
                changed[name] = slot
                slot.write(value)
        for name, container, copy in self._found.values():
            if not _same(container, copy):
                changed |= _changes(name, container, copy)
                _refill(container, copy)
        return changed


def _changes(name: str, container: Any, copy: Any) -> Slots:
    if isinstance(container, dict):
        keys = {**copy, **container}
        return {
            f"{name}.{key}": Item(container, key)
            for key in keys
            if container.get(key, UNDEFINED) is not copy.get(key, UNDEFINED)
        }
    nested = any(isinstance(item, list | dict | set) for item in copy)
    plain = isinstance(container, list) and not nested
    return {f"{name}[...]": Contents(container) if plain else Fixed()}


def _refill(container: Any, copy: Any) -> None:
    if isinstance(container, list):
        container[:] = copy
    else:
        container.clear()
        container.update(copy)


def _is_record(value: Any) -> bool:
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    return (
        library not in ("builtins", "jax", "jaxlib", "numpy", "qjit")
        and not isinstance(value, type)
        and hasattr(value, "__dict__")
        and type(vars(value)) is dict
        and not hasattr(value, "__path__")
        and kind.__name__ != "module"
    )


def _same(container: Any, copy: Any) -> bool:
    if len(container) != len(copy):
        return False
    if isinstance(container, list):
        return all(a is b for a, b in zip(container, copy, strict=True))
    if isinstance(container, dict):
        pairs = zip(container.items(), copy.items(), strict=True)
        return all(first is second and a is b for (first, a), (second, b) in pairs)
    return container == copy
