"""From a closed jaxpr, or the text of a later stage, to object code."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr
from llvmlite import ir
from xdsl.backend.llvm.convert import convert_module
from xdsl.context import Context
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, ModuleOp
from xdsl.dialects.llvm import GlobalOp

from qjit.dialects.statevector import KernelOp
from qjit.lowering.importer.program import import_program
from qjit.lowering.kernels.selection import kernel_object
from qjit.lowering.native.compile import compile_object, triple
from qjit.lowering.native.link import Code, Compiled, calls_in
from qjit.lowering.native.xla_handler import add_handler
from qjit.lowering.passes.pipeline import OwnPass, Step
from qjit.lowering.passes.quantum.circuit_pipelines.qnode_passes import (
    with_circuit_passes,
)
from qjit.lowering.passes.run import run
from qjit.lowering.passes.verification import Verifier
from qjit.lowering.program_attributes import Interface, set_passes
from qjit.runtime.settings import verifies
from qjit.runtime.target.cpu import target_machine

from .pass_effects import PassEffects


class Stages:
    """The texts of stages, if they are kept, and how long each took."""

    def __init__(self, texts: dict[str, str] | None) -> None:
        self.texts = texts
        self._verifier = Verifier(enabled=texts is not None or verifies())
        self.seconds: dict[str, float] = {}
        self._start = time.perf_counter()

    def end(self, name: str, text: Callable[[], str] | None) -> None:
        """End a stage, which has a text or not."""
        self.seconds[name] = time.perf_counter() - self._start
        if self.texts is not None and text is not None:
            self.texts[name] = text()
        self._start = time.perf_counter()

    def end_of_module(self, name: str, module: ModuleOp) -> None:
        """End a stage of a module, which is verified if that is asked for."""
        self.end(name, lambda: f"{module!s}\n")
        self._verifier.check(module)
        self._start = time.perf_counter()


def compile_jaxpr(
    closed: ClosedJaxpr,
    symbol: str,
    *,
    seed: int | None,
    passes: Sequence[Step | OwnPass],
    texts: dict[str, str] | None,
    has_side_effects: bool,
) -> Compiled:
    """Compile a closed jaxpr, and keep the texts of its stages if asked to."""
    stages = Stages(texts)
    imported = import_program(closed, name=symbol)
    interface = Interface(
        symbol,
        tuple(closed.in_avals),
        tuple(closed.out_avals),
        tuple(imported.locations),
        imported.dimensions,
        imported.sizes,
        seed,
        has_side_effects,
    )
    interface.write(imported.module)
    passes = with_circuit_passes(imported.module, imported.circuit_passes, passes)
    report = {"native": imported.native, "host": imported.host, **imported.notes}
    set_passes(imported.module, [step.text for step in passes])
    stages.end_of_module("quantum", imported.module)
    return compile_module(imported.module, passes, stages, report, interface)


def compile_module(
    module: ModuleOp,
    passes: Sequence[Step | OwnPass],
    stages: Stages,
    report: dict[str, Any],
    interface: Interface,
) -> Compiled:
    """Run the passes that are yet to come, and compile what they leave."""
    effects = PassEffects(module)
    for step in run(Context(allow_unregistered=True), module, passes):
        stages.end_of_module("llvm" if step is passes[-1] else step.name, module)
        if step.level == "quantum":
            effects.note(step.name, module)
    kernels = [op for op in module.ops if isinstance(op, KernelOp)]
    for kernel in kernels:
        kernel.detach()
    native = to_llvmlite(module)
    dimensions = bool(interface.dimensions)
    counts = len(interface.inputs) + dimensions, len(interface.results)
    handler = add_handler(native, interface.entry, *counts)
    text = str(native)
    stages.end("ir", lambda: text)
    images = compile_object(text), *map(kernel_object, kernels)
    code = Code(images, interface.entry, handler, calls_in(text))
    stages.end("object", None)
    return Compiled(
        code,
        interface.lines,
        interface.dimensions,
        dict(interface.sizes),
        {
            "seconds": stages.seconds,
            "passes": effects.found,
            **report,
            "host": [*report.get("host", ()), *effects.host_calls],
        },
    )


def to_llvmlite(module: ModuleOp) -> Any:
    """Translate a module of the llvm dialect, whose tables are taken from it."""
    tables: dict[str, bytes] = {}
    for op in module.ops:
        value = op.value if isinstance(op, GlobalOp) else None
        if isinstance(op, GlobalOp) and isinstance(value, DenseIntOrFPElementsAttr):
            tables[op.sym_name.data] = value.data.data
            del op.properties["value"]
    layout = str(target_machine().target_data)
    found = convert_module(module, fallback_target_triple=triple(), data_layout=layout)
    # NOTE: of each number, llvmlite would make an object first.
    for name, data in tables.items():
        variable = found.globals[name]
        words = ", ".join([f"i64 {n}" for n in np.frombuffer(data, np.int64).tolist()])
        variable.initializer = ir.FormattedConstant(variable.value_type, f"[{words}]")
    return found
