"""Circuits that something else than native code runs: only their own passes."""

from collections.abc import Mapping
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from qjit.lowering.passes.pipeline import find_step
from qjit.lowering.passes.quantum.circuit_pipelines.qnode_passes import (
    with_circuit_passes,
)
from qjit.lowering.passes.run import run
from qjit.lowering.passes.verification import Verifier
from qjit.runtime.settings import verifies


def compile_circuits(module: ModuleOp, circuit_passes: Mapping[str, Any]) -> None:
    """Run the passes of devices and quantum functions on an imported module.

    Args:
        module: the program.
        circuit_passes: those of its quantum functions, by their texts.
    """
    verifier = Verifier(enabled=verifies())
    verifier.check(module)
    steps = [find_step(name) for name in ("device-passes", "decompose-gates")]
    for _ in run(Context(), module, with_circuit_passes(module, circuit_passes, steps)):
        verifier.check(module)
