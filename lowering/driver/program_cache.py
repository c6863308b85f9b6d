"""Programs that are kept on disk: what they are known by, and what is kept of them.

A program is known by all that decides its object code: the canonical form of its jaxpr
and of its options, JAX's settings, our sources, the versions of what we use, and the
machine.
"""

import json
import sys
import time
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from itertools import accumulate, pairwise
from typing import Any

import jax
import jaxlib
import llvmlite
import llvmlite.binding as llvm
import numpy as np
from jax import export
from jax.extend.core import ClosedJaxpr

from qjit.lowering.jax_internals.equations import calling_line, settings
from qjit.lowering.jaxpr.structural_hash import Canonical, FormlessError, digest
from qjit.lowering.native.link import Code, Compiled
from qjit.runtime import object_cache as files
from qjit.runtime import sources
from qjit.runtime.settings import left_out, optimises
from qjit.runtime.target.cpu import host_features

IMPORTED = (jax, jaxlib, llvmlite, np)
PACKAGES = ("scipy", "xdsl")  # which are not imported to find a program
_started = time.time_ns()


@dataclass(frozen=True)
class Identity:
    """What a program is known by, and the lines of code that its equations are of.

    Where it is not known, there is a reason instead.
    """

    name: str = ""
    lines: tuple[str, ...] = ()
    reason: str = ""


def identify(
    closed: ClosedJaxpr, symbol: str, options: Any, seed: int | None
) -> Identity:
    """Return what a program is known by; options are None if they are not known."""
    try:
        if not files.bound():
            raise FormlessError("QJIT_CACHE_SIZE is 0")
        if options is None:
            raise FormlessError("its stages are asked for, or its passes are not ours")
        canonical = Canonical()
        # NOTE: the line of equations that have none.
        calling = canonical.lines.setdefault(calling_line(), 0)
        parts = closed, symbol, options, seed, settings()
        tree = [calling, optimises(), *_surroundings(), *map(canonical.value, parts)]
        return Identity(f"program-{digest(tree)}", tuple(canonical.lines))
    except FormlessError as error:
        return Identity(reason=str(error))


@cache
def _surroundings() -> tuple[str, ...]:
    """Return what decides object code besides the program: for this process, once."""
    cpu = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    cpu = *cpu, host_features(), *sorted(left_out())
    versions = *(each.__version__ for each in IMPORTED), *map(_version, PACKAGES)
    tag = str(sys.implementation.cache_tag)
    return (_sources_digest(), llvm.get_process_triple(), *cpu, *versions, tag)


def _version(package: str) -> str:
    # NOTE: importlib.metadata.version parses all that is said of a package.
    said = distribution(package).read_text("METADATA") or ""
    return said.partition("\nVersion: ")[2].partition("\n")[0]


def _sources_digest() -> str:
    """Return a digest of all our sources, which are those that this process runs."""
    found = sources.digest([""])
    if sources.changed() > _started:
        raise FormlessError("the sources of qjit changed after it was imported")
    return found


def find(identity: Identity) -> Compiled | None:
    """Return the program that is known by this, if it is kept."""
    content = files.read(identity.name) if identity.name else None
    if content is None:
        return None
    text, _, rest = content.partition(b"\n")
    kept = json.loads(text)
    ends = list(accumulate(kept["lengths"], initial=0))
    images = tuple(rest[start:end] for start, end in pairwise(ends))
    lines = ("", *identity.lines)
    compiled = Compiled(
        Code(images, kept["symbol"], kept["handler"], tuple(kept["calls"])),
        tuple(lines[number] + rest for number, rest in kept["locations"]),
        tuple(kept["dimensions"]),
        {export.symbolic_shape(size)[0]: fits for size, fits in kept["sizes"]},
        kept["report"],
    )
    return compiled if compiled.code.is_loadable else None


def keep(identity: Identity, compiled: Compiled) -> str:
    """Keep a program; return "miss", or why it is not kept."""
    reason = identity.reason or _not_kept(identity, compiled)
    return f"not kept: {reason}" if reason else "miss"


def _not_kept(identity: Identity, compiled: Compiled) -> str:
    """Keep a program, or return why not."""
    if compiled.report["host"]:
        return f"it calls Python, for '{compiled.report['host'][0]}'"
    numbers = {line: number for number, line in enumerate(("", *identity.lines))}
    locations = [_location(text, numbers) for text in compiled.locations]
    if None in locations:
        unknown = compiled.locations[locations.index(None)]
        return f"it names a line that is not its own, {unknown}"
    kept = {
        "lengths": list(map(len, compiled.code.images)),
        "symbol": compiled.code.symbol,
        "handler": compiled.code.handler,
        "calls": compiled.code.calls,
        "locations": locations,
        "dimensions": compiled.dimensions,
        "sizes": [(str(size), fits) for size, fits in compiled.sizes.items()],
        "report": {k: v for k, v in compiled.report.items() if k != "seconds"},
    }
    text = json.dumps(kept).encode()
    if files.write(identity.name, b"".join((text, b"\n", *compiled.code.images))):
        return ""
    return f"it is too large, or {files.directory()} cannot be written"


def _location(text: str, numbers: dict[str, int]) -> tuple[int, str] | None:
    """Return the number of the line in a text, and what is said of the line."""
    line, said = text, ""
    while line not in numbers:
        line, found, rest = line.rpartition(": ")
        if not found:
            return None
        said = f": {rest}{said}"
    return numbers[line], said
