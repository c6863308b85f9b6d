"""What passes do to the gates of a program."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from jax.extend.core import ClosedJaxpr
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from qjit.dialects.host import CallOp
from qjit.dialects.quantum import GateOp, UnitaryOp
from qjit.lowering.importer.program import import_program
from qjit.lowering.passes.pipeline import OwnPass, Step
from qjit.lowering.passes.quantum.circuit_pipelines.qnode_passes import (
    with_circuit_passes,
)
from qjit.lowering.passes.run import run
from qjit.lowering.program_attributes import set_lines

OF_QNODES = ("qnode-passes", "final-qnode-passes")


class Rewriting:
    """A program that is imported and rewritten, and goes no further.

    `own` is after how many passes those of single quantum functions are done.
    """

    def __init__(
        self, closed: ClosedJaxpr, symbol: str, passes: Sequence[Step | OwnPass]
    ) -> None:
        imported = import_program(closed, name=symbol)
        self.passes = with_circuit_passes(
            imported.module, imported.circuit_passes, passes
        )
        places = [n for n, step in enumerate(self.passes) if step.name in OF_QNODES]
        self.own = 1 + max(places, default=-1)
        self._module = imported.module
        set_lines(self._module, imported.locations)

    def after(self, count: int) -> ModuleOp:
        """Return the module after so many passes; ask only once."""
        context = Context(allow_unregistered=True)
        for _ in islice(run(context, self._module, self.passes), count):
            pass
        return self._module


class PassEffects:
    """How many gates of each name there are before and after passes.

    Passes and gates are left out where the number stays. `host_calls` are the names of
    calls of Python that passes have added.
    """

    def __init__(self, module: ModuleOp) -> None:
        self._before, self._calls = _gates_and_host_calls(module)
        self.host_calls: list[str] = []
        self.found: dict[str, dict[str, list[int]]] = {}

    def note(self, name: str, module: ModuleOp) -> None:
        """Note what a pass did to a module."""
        before = self._before
        after, calls = _gates_and_host_calls(module)
        self._before = after
        self.host_calls = [*(calls - self._calls).elements()]
        changed = {
            gate: [before[gate], after[gate]]
            for gate in dict.fromkeys((*before, *after))
            if before[gate] != after[gate]
        }
        if changed:
            self.found[name] = changed


def _gates_and_host_calls(module: ModuleOp) -> tuple[Counter[str], Counter[str]]:
    """Return how many gates of each name a module has, and how many calls of Python."""
    gates, calls = Counter[str](), Counter[str]()
    for op in module.walk():
        if isinstance(op, GateOp):
            gates[op.gate.data] += 1
        elif isinstance(op, UnitaryOp):
            gates["QubitUnitary"] += 1
        elif isinstance(op, CallOp):
            calls[op.callee.data] += 1
    return gates, calls
