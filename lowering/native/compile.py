"""From LLVM IR to object code, for this machine."""

from functools import cache
from typing import Any

import llvmlite.binding as llvm

from qjit.runtime.settings import optimises
from qjit.runtime.target.cpu import target_machine

LONG = 2500  # lines of LLVM IR


@cache
def triple() -> str:
    """Return the target triple of this process."""
    return llvm.get_process_triple()


def compile_object(text: str) -> bytes:
    """Optimise LLVM IR for this machine and return its object code."""
    machine = target_machine(optimises())
    module = llvm.parse_assembly(text)
    module.verify()
    if optimises():
        _optimise(text, module, machine)
    return machine.emit_object(module)


def _optimise(text: str, module: Any, machine: Any) -> None:
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # What long programs spend most of their compile time on, for little.
    options.loop_unrolling = text.count("\n") < LONG
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
