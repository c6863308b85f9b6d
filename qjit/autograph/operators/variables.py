"""The variables that converted control flow shares, and how to read and set them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import CellType
from typing import Any

import jax


class Undefined:
    """Stands for the value of a variable that has none."""


UNDEFINED = Undefined()


@dataclass(frozen=True)
class Cell:
    """A variable of a function."""

    cell: CellType

    def read(self) -> Any:
        """Return the value, or UNDEFINED."""
        try:
            return self.cell.cell_contents
        except ValueError:
            return UNDEFINED

    def write(self, value: Any) -> None:
        """Set the value; UNDEFINED takes it away."""
        if value is not UNDEFINED:
            self.cell.cell_contents = value
        elif self.read() is not UNDEFINED:
            del self.cell.cell_contents


@dataclass(frozen=True)
class Item:
    """A variable of a module, or another item of a dictionary."""

    items: dict[Any, Any]
    name: Any

    def read(self) -> Any:
        """Return the value, or UNDEFINED."""
        return self.items.get(self.name, UNDEFINED)

    def write(self, value: Any) -> None:
        """Set the value; UNDEFINED takes it away."""
        if value is UNDEFINED:
            self.items.pop(self.name, None)
        else:
            self.items[self.name] = value


@dataclass(frozen=True)
class Attribute:
    """An attribute of an object."""

    owner: Any
    name: str

    def read(self) -> Any:
        """Return the value, or UNDEFINED."""
        return getattr(self.owner, self.name, UNDEFINED)

    def write(self, value: Any) -> None:
        """Set the value; UNDEFINED takes it away."""
        if value is self.read():
            return
        if value is UNDEFINED:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, value)


@dataclass(frozen=True)
class Contents:
    """The items of a list."""

    items: list[Any]

    def read(self) -> Any:
        """Return a list of the items."""
        return list(self.items)

    def write(self, value: Any) -> None:
        """Replace the items."""
        self.items[:] = value


@dataclass(frozen=True)
class Fixed:
    """A container that can hold no traced values."""

    def read(self) -> Any:
        """Return nothing."""
        return UNDEFINED

    def write(self, value: Any) -> None:
        """Do nothing."""


Slot = Cell | Item | Attribute | Contents | Fixed
Slots = dict[str, Slot]


def slots_of(names: Sequence[str], functions: Sequence[Callable[..., Any]]) -> Slots:
    """Return where the variables of these names live."""
    cells: dict[str, CellType] = {}
    for function in functions:
        free = function.__code__.co_freevars
        cells.update(zip(free, function.__closure__ or (), strict=True))
    module = functions[0].__globals__
    found = {name: _slot(name, cells, module) for name in names}
    return {name: slot for name, slot in found.items() if slot is not None}


def _slot(name: str, cells: dict[str, CellType], module: dict[str, Any]) -> Slot | None:
    first, *path = name.split(".")
    slot: Slot | None = None
    # NOTE: the compiler puts a class's name before its private names.
    private = first.startswith("__") and not first.endswith("__")
    matching = [f for f in cells if f == first or (private and f.endswith(first))]
    if matching:
        slot = Cell(cells[matching[0]])
    elif first in module:
        slot = Item(module, first)
    for attribute in path:
        owner = slot.read() if slot else UNDEFINED
        if owner is UNDEFINED:
            return None
        slot = Attribute(owner, attribute)
    return slot


def read_all(slots: Slots) -> dict[str, Any]:
    """Return the values of all variables."""
    return {name: slot.read() for name, slot in slots.items()}


def write_all(slots: Slots, values: dict[str, Any]) -> None:
    """Set the values of all variables."""
    for name, value in values.items():
        slots[name].write(value)


def fresh(value: Any) -> Any:
    """Return a copy of a container, so that changing it changes nothing outside."""
    if isinstance(value, list | dict):
        leaves, tree = jax.tree.flatten(value)
        return jax.tree.unflatten(tree, leaves)
    return value


def written_back(old: Any, new: Any) -> Any:
    """Give an old container the contents of its changed copy, and return it."""
    if type(old) is list and type(new) is list:
        kept = [written_back(a, b) for a, b in zip(old, new, strict=False)]
        old[:] = [*kept, *new[len(old) :]]
        return old
    if type(old) is dict and type(new) is dict:
        changed = {k: written_back(old.get(k), v) for k, v in new.items()}
        old.clear()
        old.update(changed)
        return old
    return new
