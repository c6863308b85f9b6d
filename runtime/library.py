"""The runtime's object code: generated and compiled once, then read from a cache."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

import llvmlite
from llvmlite import binding

from . import (
    cache,
    dense,
    diagonal,
    measure,
    midway,
    mix,
    observables,
    random,
    reverse,
    reverse_stages,
    sampling,
    schedule,
    stages,
    state,
    tables,
    unprepare,
    walk,
)
from .target import (
    PRECISIONS,
    Precision,
    host_features,
    initialize_native,
    target_machine,
)

FAMILIES: dict[str, Callable[[Precision], str]] = {
    "state": state.module,
    "mix": mix.module,
    "diagonal": diagonal.module,
    "dense": dense.module,
    "schedule": schedule.module,
    "stages": stages.module,
    "reverse": reverse.module,
    "reverse_stages": reverse_stages.module,
    "unprepare": unprepare.module,
    "observables": observables.module,
    "measure": measure.module,
    "midway": midway.module,
    "sampling": sampling.module,
}


def compile_ir(text: str, *, reshape_loops: bool = True) -> bytes:
    """Object code for this machine from LLVM assembly, optimised at level 2.

    Without `reshape_loops`, loops are neither vectorised nor unrolled: right for code
    that is written in vectors, and half the work.
    """
    initialize_native()
    context = binding.create_context()
    module = binding.parse_assembly(text, context)
    module.verify()
    machine = target_machine()
    options = binding.create_pipeline_tuning_options(2)
    options.loop_vectorization = reshape_loops
    options.slp_vectorization = reshape_loops
    options.loop_unrolling = reshape_loops
    builder = binding.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_object(module)


@functools.cache
def runtime_key() -> str:
    """Hash of what decides the runtime's object code: its generator and the machine."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for part in (llvmlite.__version__, binding.get_host_cpu_name(), host_features()):
        digest.update(part.encode())
    return digest.hexdigest()[:32]


def kept_object(name: str, build: Callable[[], str]) -> bytes:
    """Object code of generated LLVM assembly, from the cache where it is whole."""
    name = f"runtime-{runtime_key()}-{name}"
    found = cache.read(name)
    if found is None:
        found = compile_ir(build(), reshape_loops=False)
        cache.write(name, found)
    return found


@functools.cache
def runtime_objects() -> list[bytes]:
    """The runtime's object files, from the cache where they are there and whole."""
    jobs: dict[str, Callable[[], str]] = {
        "context": state.context_module,
        "random": random.random_module,
        "tables": tables.table_module,
        "walk": walk.walk_module,
    }
    for precision in PRECISIONS:
        for name, build in FAMILIES.items():
            jobs[f"{name}-{precision.suffix}"] = lambda b=build, p=precision: b(p)
    return [kept_object(name, build) for name, build in jobs.items()]
