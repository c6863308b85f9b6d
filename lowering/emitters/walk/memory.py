"""Arrays while a circuit is emitted: what branches and loops change in them."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.ir import Attribute

from qjit.lowering.emitters.emitter import EmissionError

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Element:
    """An element of an array that branches or loops change."""

    array: Array = field(compare=False)
    identity: int
    place: int
    kind: Attribute

    @property
    def value(self) -> Any:
        """What it is now."""
        return self.array.flat[self.place]


@dataclass
class Changes:
    """What a branch or a loop changes in arrays that were there before it."""

    fixed: bool = False
    """Whether it must change nothing."""
    before: dict[int, tuple[Array, Array, Attribute]] = field(
        default_factory=dict[int, tuple[Array, Array, Attribute]]
    )
    after: Mapping[Element, Any] = field(default_factory=dict[Element, Any])
    """The values at the end, once there is one."""

    def values(self) -> dict[Element, Any]:
        """Return all that is changed by now."""
        return {
            Element(array, identity, int(place), kind): array.flat[place]
            for identity, (array, old, kind) in self.before.items()
            for place in np.flatnonzero(array != old)
        }


@dataclass
class Memory:
    """The arrays of a circuit; their elements may be anything."""

    made: dict[int, tuple[Array, int]] = field(
        default_factory=dict[int, tuple[Array, int]]
    )
    """Arrays by their identity, and within how many scopes they were made."""
    scopes: list[Changes] = field(default_factory=list[Changes])

    def allocate(self, shape: tuple[int, ...]) -> Array:
        """Return a new array."""
        array = np.zeros(shape, object)
        self.made[id(array)] = array, len(self.scopes)
        return array

    @contextmanager
    def scope(self, *, fixed: bool = False) -> Generator[Changes]:
        """Note what changes within; afterwards all is what it was before."""
        changes = Changes(fixed)
        self.scopes.append(changes)
        try:
            yield changes
            changes.after = changes.values()
        finally:
            self.scopes.pop()
            for array, old, _ in changes.before.values():
                array[...] = old
            depth = len(self.scopes)
            self.made = {k: each for k, each in self.made.items() if each[1] <= depth}

    def will_change(self, array: Array, kind: Attribute) -> None:
        """Note an array, with the type of its elements, before it is written to."""
        array = _owner(array)
        _, depth = self.made.get(id(array), (array, 0))
        if depth >= len(self.scopes) or id(array) in self.scopes[-1].before:
            return
        if self.scopes[-1].fixed or array.dtype != object:
            raise EmissionError("an array that outcomes change")
        self.scopes[-1].before[id(array)] = array, array.copy(), kind

    def put(self, element: Element, value: Any) -> None:
        """Change one element."""
        self.will_change(element.array, element.kind)
        element.array.flat[element.place] = value


def _owner(array: Array) -> Array:
    """Return the array whose memory another is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
