"""The runtime's object code: generated, compiled by part, then read from a cache."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache as once
from functools import partial
from importlib import import_module
from typing import NamedTuple

import llvmlite
from llvmlite import binding

from qjit.runtime.codegen.partition import Part, partition
from qjit.runtime.system.deferred_calls import DEFERRED, deferred_module
from qjit.runtime.target.cpu import (
    PRECISIONS,
    Precision,
    host_features,
    initialize_native,
    target_machine,
)

from . import object_cache
from .contents import FAMILIES, SINGLE
from .settings import left_out
from .sources import digest


def _generated(module: str, function: str, *precision: Precision) -> str:
    return getattr(import_module(f".{module}", __package__), function)(*precision)


def compile_ir(text: str) -> bytes:
    """Object code for this machine from LLVM assembly written in vectors.

    Generated code computes nothing twice and nothing in a loop that is the same in
    every iteration. So it takes a few passes: all of level 2 take longer than code
    generation, for code that is no faster.
    """
    initialize_native()
    context = binding.create_context()
    module = binding.parse_assembly(text, context)
    module.verify()
    machine = target_machine()
    options = binding.create_pipeline_tuning_options()
    builder = binding.create_pass_builder(machine, options)
    passes = binding.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.add_instruction_combine_pass()
    passes.run(module, builder)
    return machine.emit_object(module)


@once
def runtime_key() -> str:
    """Hash of what decides the runtime's object code: its generator and the machine."""
    machine = llvmlite.__version__, binding.get_host_cpu_name(), host_features()
    return digest(("runtime",), *machine, *sorted(left_out()))[:32]


def kept_object(name: str, build: Callable[[], str]) -> bytes:
    """Object code of generated LLVM assembly, from the cache where it is whole."""
    name = f"runtime-{runtime_key()}-{name}"
    found = object_cache.read(name)
    if found is None:
        found = compile_ir(build())
        object_cache.write(name, found)
    return found


def generated_object(
    name: str, made_by: Sequence[str], build: Callable[[], str]
) -> bytes:
    """Object code of LLVM assembly that is made by sources besides the runtime's."""
    return kept_object(f"{name}-{digest(made_by)[:16]}", build)


@once
def generators() -> dict[str, Callable[[], str]]:
    """What generates the runtime's LLVM assembly, by name; imported when it is run."""
    jobs = {name: partial(_generated, *job[:2]) for name, job in SINGLE.items()}
    for precision in PRECISIONS:
        for name, job in FAMILIES.items():
            build = partial(_generated, *job[:2], precision)
            jobs[f"{name}-{precision.suffix}"] = build
    return jobs


@once
def owners() -> dict[str, str]:
    """The generator of each symbol."""
    found: dict[str, str] = {}
    for name, job in SINGLE.items():
        found |= dict.fromkeys((f"__qrt__{own}" for own in job.symbols), name)
    for precision in PRECISIONS:
        for name, job in FAMILIES.items():
            place = f"{name}-{precision.suffix}"
            symbols = (f"__qrt__{own}_{precision.suffix}" for own in job.symbols)
            found |= dict.fromkeys(symbols, place)
    return found


@once
def _parts(generator: str) -> dict[str, Part]:
    return partition(generators()[generator]())


@once
def _symbols(generator: str) -> dict[str, tuple[list[str], list[str]]]:
    """What each part of a generator's code defines and uses; kept on disk."""
    name = f"runtime-{runtime_key()}-{generator}-symbols"
    found = object_cache.read(name)
    if found is None:
        parts = _parts(generator).items()
        table = {first: (part.defined, part.used) for first, part in parts}
        found = json.dumps(table).encode()
        object_cache.write(name, found)
    return json.loads(found)


def runtime_object(first: str) -> bytes:
    """Object code of the part of the runtime whose first symbol this is."""
    return kept_object(first, lambda: _parts(owners()[first])[first].text)


def deferred_object(symbol: str) -> bytes:
    """Object code of the stub that stands for a deferred function."""
    return kept_object(f"deferred-{symbol}", partial(deferred_module, symbol))


def part_of(symbol: str) -> str:
    """The first symbol of the part that defines one."""
    parts = _symbols(owners()[symbol]).items()
    return next(first for first, (defined, _) in parts if symbol in defined)


class Needed(NamedTuple):
    """What code needs: parts of the runtime, stubs, and symbols that are not in it."""

    parts: set[str]
    deferred: set[str]
    others: set[str]


def needed_for(symbols: Iterable[str], *, called: str | None = None) -> Needed:
    """What defines symbols, and all that it uses of others.

    Parts are named by their first symbol, stubs by the function that they stand for. A
    function that was `called` is not deferred, nor one whose caller is asked for.
    """
    found, waiting = Needed(set(), set(), set()), [*symbols]
    eager = {*waiting}
    while waiting:
        symbol = waiting.pop()
        if symbol not in owners():
            found.others.add(symbol)
        elif (
            symbol in DEFERRED
            and symbol != called
            and not DEFERRED[symbol].callers & eager
        ):
            found.deferred.add(symbol)
        else:
            part = part_of(symbol)
            if part not in found.parts:
                found.parts.add(part)
                waiting += _symbols(owners()[symbol])[part][1]
    return found
