"""Devices that others bring: libraries of the C interface, and classes in Python.

All that is known of one stands in its options, so that texts of programs are complete.
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from operator import le
from typing import Any

from .record import ALL, BY_SHOTS, Target

LIBRARY, PYTHON = "library", "python"
PLUGIN = Target(
    LIBRARY,
    "A device of another library, which compiled programs call gate by gate.",
    "__qrt__device_",
    state="device",
    bytes_per_amplitude=0,
    derivatives=("parameter-shift", "finite-diff", "spsa"),
)
PLUGINS = {LIBRARY: PLUGIN, PYTHON: replace(PLUGIN, name=PYTHON)}


@dataclass(frozen=True)
class Plugin:
    """A device that others bring: where its code is, and what it can do."""

    name: str
    """What the target is called."""
    source: str
    """The path of a library, or the name of a class in Python."""
    digest: str
    """The SHA-256 of a library; of a class, nothing."""
    abi_version: int
    most_wires: int
    modifiers: bool
    measures: bool
    """Whether measurements and resets may stand between gates."""
    amplitudes: bool
    """Whether it answers without shots."""
    kind: str = LIBRARY
    configuration: str = "{}"
    """The options that it is created with, as JSON."""

    @property
    def text(self) -> str:
        """The options of its target."""
        return json.dumps(asdict(self), sort_keys=True)

    def does(self, measures: bool, amplitudes: bool, modifiers: bool) -> bool:
        """Tell whether what can do this can do all of this device."""
        own = self.measures, self.amplitudes, self.modifiers
        return all(map(le, own, (measures, amplitudes, modifiers)))

    @classmethod
    def read(cls, text: str) -> "Plugin":
        """Read the options of a target."""
        return cls(**json.loads(text))


@lru_cache(maxsize=256)
def _changes(text: str) -> dict[str, Any]:
    plugin = Plugin.read(text)
    return {
        "modifiers": plugin.modifiers,
        "mid_circuit": plugin.measures,
        "measurements": ALL if plugin.amplitudes else BY_SHOTS,
        "most_wires": plugin.most_wires,
    }


def described(target: Target) -> Target:
    """Return a device with what its options say that it can do, if others bring it."""
    if target.state != "device" or not target.options:
        return target
    return replace(target, **_changes(target.options))
