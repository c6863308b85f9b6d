"""From LLVM IR to object code, for this machine."""

from functools import cache
from typing import Any

import llvmlite.binding as llvm

LONG = 2500  # lines of LLVM IR


@cache
def triple() -> str:
    """Return the target triple of this process."""
    return llvm.get_process_triple()


@cache
def target_machine() -> Any:
    """Return the machine that programs are compiled for: this one."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(triple()).create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=2,
        reloc="pic",
        codemodel="jitdefault",
    )


def compile_object(text: str) -> bytes:
    """Optimise LLVM IR for this machine and return its object code."""
    machine = target_machine()
    module = llvm.parse_assembly(text)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    # What long programs spend most of their compile time on, for little.
    options.loop_unrolling = text.count("\n") < LONG
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_object(module)
