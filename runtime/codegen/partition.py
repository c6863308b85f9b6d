"""A module of LLVM assembly in parts that may be compiled and linked one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The names of functions that object files of programs and of the runtime share.
SYMBOL = re.compile(r"__q(?:rt|jit)__\w+")
NAME = re.compile(r'@"([^"]+)"')
ITEM = re.compile(r'^(?=define |declare |@")', re.M)


@dataclass(frozen=True)
class Part:
    """LLVM assembly, the symbols that it defines, and those that it uses of others."""

    text: str
    defined: tuple[str, ...]
    used: tuple[str, ...]


def partition(text: str) -> dict[str, Part]:
    """Divide a module by what is called from elsewhere; parts by their first symbol.

    Functions that call one another, or share a variable, stay together. Private ones
    are in every part that calls them.
    """
    head, *items = ITEM.split(text)
    named = {NAME.findall(item)[0]: item for item in items}
    direct = {name: {*NAME.findall(item)} for name, item in named.items()}
    found: dict[str, Part] = {}
    for names in _connected(named, direct):
        needed = set[str]().union(*(direct[name] for name in names))
        kept = [item for name, item in named.items() if name in needed]
        defined = sorted(name for name in names if SYMBOL.fullmatch(name))
        used = sorted(name for name in needed - names if SYMBOL.fullmatch(name))
        found[defined[0]] = Part(head + "".join(kept), tuple(defined), tuple(used))
    return found


def _connected(
    named: Mapping[str, str], direct: Mapping[str, set[str]]
) -> list[set[str]]:
    """The names of each part, without those that it declares only."""
    declared = {name for name in named if named[name].startswith("declare ")}
    private = {name for name in named if named[name].startswith("define internal ")}
    groups: list[set[str]] = []
    for name in named.keys() - declared - private:
        group = _reached(name, direct) - declared
        groups, apart = [], groups
        for other in apart:
            if (group & other) - private:
                group |= other
            else:
                groups.append(other)
        groups.append(group)
    return [group for group in groups if any(map(SYMBOL.fullmatch, group))]


def _reached(name: str, direct: Mapping[str, set[str]]) -> set[str]:
    """What a name refers to, directly or by way of others."""
    found, waiting = set[str](), {name}
    while waiting:
        found |= waiting
        waiting = set[str]().union(*(direct[each] for each in waiting)) - found
    return found
