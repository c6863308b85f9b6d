"""Tables of what was used last: what grows with a long process has a bound."""

from collections import OrderedDict
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

# As many as JAX keeps traces of one function: what is used again is found, and what a
# loop over ever new shapes or values leaves behind is dropped.
MOST = 2048


class Recent(OrderedDict[Key, Value]):
    """A table from which what was not asked for longest goes first, when it is full.

    Only what can be made again may be in it. Threads may share it: they ask by `get`,
    because another one may drop what was there.
    """

    def get(self, key: Key, default: Any = None) -> Any:
        """Return what a key has, or the default, and note that it was used."""
        try:
            self.move_to_end(key)
            return self[key]
        except KeyError:
            return default

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        while len(self) > MOST:
            try:
                self.popitem(last=False)
            except KeyError:  # another thread has
                break

    def __reduce__(self) -> Any:
        return type(self), ()
