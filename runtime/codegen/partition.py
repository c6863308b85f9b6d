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
    """Divide a module where nothing calls across; parts by their first symbol.

    Functions that call one another, or share a variable, stay together.
    """
    head, *items = ITEM.split(text)
    named = {NAME.findall(item)[0]: item for item in items}
    declared = {name for name in named if named[name].startswith("declare ")}
    references = {name: {*NAME.findall(item)} for name, item in named.items()}
    found: dict[str, Part] = {}
    for names in _connected(references, declared):
        needed = set[str]().union(*(references[name] for name in names))
        kept = [item for name, item in named.items() if name in needed]
        defined = sorted(name for name in names if SYMBOL.fullmatch(name))
        used = sorted(name for name in needed - names if SYMBOL.fullmatch(name))
        found[defined[0]] = Part(head + "".join(kept), tuple(defined), tuple(used))
    return found


def _connected(
    references: Mapping[str, set[str]], declared: set[str]
) -> list[set[str]]:
    """The names that refer to one another, apart from those that are declared only."""
    groups: list[set[str]] = []
    for name in references.keys() - declared:
        group = (references[name] | {name}) - declared
        groups, apart = [], groups
        for other in apart:
            if group & other:
                group |= other
            else:
                groups.append(other)
        groups.append(group)
    return groups
