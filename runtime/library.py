"""The runtime's object code: generated and compiled once, then read from a cache."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache as once
from functools import partial
from importlib import import_module

import llvmlite
from llvmlite import binding

from qjit.runtime.target.cpu import (
    PRECISIONS,
    Precision,
    host_features,
    initialize_native,
    target_machine,
)

from . import object_cache
from .settings import left_out
from .sources import digest, sources

# The generators, imported only when they are run: the module and function of each file,
# and modules whose function `module` makes one for each precision.
SINGLE = {
    "context": ("statevector.state", "context_module"),
    "execution_keys": ("statevector.execution_keys", "execution_keys_module"),
    "gather_parameters": ("statevector.executor.gather_parameters", "gather_module"),
    "null": ("null", "module"),
    "parallel_for": ("statevector.parallel_for", "parallel_for_module"),
    "path_tree": ("statevector.branching.path_tree", "path_tree_module"),
    "random": ("system.random", "random_module"),
    "sincos": ("codegen.sincos", "sincos_module"),
    "thread_pool": ("system.thread_pool", "thread_pool_module"),
}
FAMILIES = (
    "statevector.state",
    "statevector.kernels.arithmetic",
    "statevector.kernels.pairs",
    "statevector.kernels.diagonal",
    "statevector.kernels.dense",
    "statevector.executor.execute",
    "statevector.executor.tiles",
    "statevector.executor.tile_ops",
    "statevector.executor.fused_diagonals",
    "statevector.executor.fuse_gates",
    "statevector.executor.forward",
    "statevector.executor.adjoint",
    "statevector.executor.adjoint_tiles",
    "statevector.executor.state_preparation_adjoint",
    "statevector.kernels.pauli_sums",
    "statevector.kernels.probabilities",
    "statevector.branching.mid_circuit",
    "statevector.kernels.sampling",
)

# The names of functions that object files of programs and of the runtime share.
SYMBOL = re.compile(r"__q(?:rt|jit)__\w+")


def _generated(module: str, function: str, *precision: Precision) -> str:
    return getattr(import_module(f".{module}", __package__), function)(*precision)


def compile_ir(text: str, *, is_plain: bool = False) -> bytes:
    """Object code for this machine from LLVM assembly written in vectors.

    It is optimised at level 2, but loops are neither vectorised nor unrolled. Plain
    code computes nothing twice and nothing in a loop that is the same in every
    iteration: then a few passes do, in half the time.
    """
    initialize_native()
    context = binding.create_context()
    module = binding.parse_assembly(text, context)
    module.verify()
    machine = target_machine()
    options = binding.create_pipeline_tuning_options(2)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = binding.create_pass_builder(machine, options)
    passes = builder.getModulePassManager()
    if is_plain:
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
    return digest(sources("runtime"), *machine, *sorted(left_out()))[:32]


def kept_object(
    name: str, build: Callable[[], str], *, is_plain: bool = False
) -> bytes:
    """Object code of generated LLVM assembly, from the cache where it is whole."""
    name = f"runtime-{runtime_key()}-{name}"
    found = object_cache.read(name)
    if found is None:
        found = compile_ir(build(), is_plain=is_plain)
        object_cache.write(name, found)
    return found


def generated_object(
    name: str,
    made_by: Sequence[str],
    build: Callable[[], str],
    *,
    is_plain: bool = False,
) -> bytes:
    """Object code of LLVM assembly that is made by sources besides the runtime's."""
    kept = f"{name}-{digest(sources(*made_by))[:16]}"
    return kept_object(kept, build, is_plain=is_plain)


@once
def generators() -> dict[str, Callable[[], str]]:
    """The runtime's object files by name, and what generates their LLVM assembly."""
    jobs = {name: partial(_generated, *where) for name, where in SINGLE.items()}
    for precision in PRECISIONS:
        for name in FAMILIES:
            build = partial(_generated, name, "module", precision)
            jobs[f"{name}-{precision.suffix}"] = build
    return jobs


def runtime_object(name: str) -> bytes:
    """One of the runtime's object files, from the cache where it is there and whole."""
    return kept_object(name, generators()[name])


@once
def _symbols() -> dict[str, tuple[list[str], list[str]]]:
    """What each object file defines, and what it uses of others; kept on disk."""
    name = f"runtime-{runtime_key()}-symbols"
    found = object_cache.read(name)
    if found is None:
        table = {name: _symbols_of(build()) for name, build in generators().items()}
        found = json.dumps(table).encode()
        object_cache.write(name, found)
    return json.loads(found)


def _symbols_of(text: str) -> tuple[list[str], list[str]]:
    defined = {found[1] for found in re.finditer(r'^define [^@]*@"(\w+)"', text, re.M)}
    return sorted(defined), sorted({*SYMBOL.findall(text)} - defined)


@once
def _owners() -> dict[str, str]:
    """The object file that defines each symbol."""
    return {name: file for file, (own, _) in _symbols().items() for name in own}


def objects_for(symbols: Iterable[str]) -> tuple[set[str], set[str]]:
    """The object files that define symbols, and all that those use of one another.

    Returns:
        Their names, and the symbols among all of these that no file defines.
    """
    owners = _owners()
    files, others, waiting = set[str](), set[str](), [*symbols]
    while waiting:
        symbol = waiting.pop()
        if symbol not in owners:
            others.add(symbol)
        elif (file := owners[symbol]) not in files:
            files.add(file)
            waiting += _symbols()[file][1]
    return files, others
