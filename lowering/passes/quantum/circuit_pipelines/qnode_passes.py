"""The pass `qnode-passes`: circuits go through the passes of quantum functions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum import AllocOp
from qjit.lowering.passes.pipeline import OwnPass, Step, find_step
from qjit.lowering.program_attributes import CIRCUIT_PASSES, texts_of

from .outlined_circuits import OutlinedCircuit, erase_uncalled


@dataclass(frozen=True)
class QnodePassesPass(ModulePass):
    """Run the passes of single quantum functions, those of `qnode(passes=...)`.

    `own` are the passes that users bring, by name.
    """

    own: Mapping[str, OwnPass] = field(default_factory=dict[str, OwnPass])

    name = "qnode-passes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Take circuits out one by one."""
        for alloc in [each for each in op.walk() if isinstance(each, AllocOp)]:
            names = texts_of(alloc.attributes.pop(CIRCUIT_PASSES, None))
            if names:
                steps = [self._step(name) for name in names]
                OutlinedCircuit(op, alloc).run(ctx, steps)
        for function in [each for each in op.ops if isinstance(each, FuncOp)]:
            if function.attributes.pop(CIRCUIT_PASSES, None) is not None:
                erase_uncalled(op, function)

    def _step(self, name: str) -> Step | OwnPass:
        found = self.own.get(name)
        return find_step(name) if found is None else found


def for_circuits(passes: Mapping[str, Any]) -> OwnPass:
    """Return the step that runs passes on circuits, given those by their texts."""
    own = {text: each for text, each in passes.items() if isinstance(each, OwnPass)}
    return OwnPass(QnodePassesPass(own), "quantum")
