"""Devices as records: what the compiler knows of what circuits run on."""

from dataclasses import replace

from .hardware import (
    BACKEND,
    FAMILIES,
    FORMATS,
    LANGUAGES,
    MACHINES,
    RUNTIMES,
    of_backend,
)
from .plugins import PLUGINS
from .plugins import Plugin as Plugin
from .plugins import described as described
from .record import ALL as ALL
from .record import ALL_PAIRS as ALL_PAIRS
from .record import SIMULATE as SIMULATE
from .record import STATISTICS as STATISTICS
from .record import Target as Target
from .simulators import NULL as NULL
from .simulators import REFERENCE as REFERENCE
from .simulators import STATEVECTOR as STATEVECTOR

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (STATEVECTOR, REFERENCE, NULL, *RUNTIMES, *MACHINES, *LANGUAGES)
}


def known_target(name: str) -> Target | None:
    """Return the record of a device, or that of its family with this name.

    >>> known_target("ibm.fake_manila").runtime
    'ibm'
    """
    if name in TARGETS:
        return TARGETS[name]
    family, _, machine = name.partition(".")
    if family == BACKEND and machine in FORMATS:
        return of_backend(name, TARGETS[FORMATS[machine]])
    known = FAMILIES.get(family) or PLUGINS.get(family)
    return replace(known, name=name) if machine and known is not None else None


def find_target(text: str) -> Target:
    """Return the device of a text.

    >>> find_target("statevector{coupling=line gates=CZ,RX}").coupling
    'line'
    """
    name, _, rest = text.partition("{")
    known = known_target(name)
    if known is None:
        raise KeyError(name)
    return described(known.with_difference(rest)) if rest else known


def text_of(target: Target) -> str:
    """Return the text that `find_target` reads."""
    known = known_target(target.name)
    assert known is not None
    return target.difference(known)
