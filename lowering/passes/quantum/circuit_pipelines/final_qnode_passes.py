"""The pass `final-qnode-passes`: what depends on the gates that a device runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum import AllocOp
from qjit.lowering.passes.pipeline import OwnPass, Step, find_step
from qjit.lowering.passes.presets import MEETING
from qjit.lowering.program_attributes import FINAL_PASSES, texts_of

from .outlined_circuits import OutlinedCircuit, erase_uncalled

# What makes gates of the device of those that a pass adds, such as SWAP.
DECOMPOSITION = "decompose-gates"
AFTER = {"route-qubits": (DECOMPOSITION, *MEETING)}


@dataclass(frozen=True)
class FinalQnodePassesPass(ModulePass):
    """Run those passes of single quantum functions that wait for their devices' passes.

    They are about times, places and noise of gates. `own` are the passes that users
    bring, by name.
    """

    own: Mapping[str, OwnPass] = field(default_factory=dict[str, OwnPass])

    name = "final-qnode-passes"
    exact = True  # on circuits over dual numbers, which have no passes of their own

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Take circuits out one by one."""
        called: dict[str, None] = {}
        for alloc in [each for each in op.walk() if isinstance(each, AllocOp)]:
            names = texts_of(alloc.attributes.pop(FINAL_PASSES, None))
            if names:
                circuit = OutlinedCircuit(op, alloc)
                called |= dict.fromkeys(circuit.called)
                circuit.run(ctx, self._steps(names))
        for function in [each for each in op.ops if isinstance(each, FuncOp)]:
            if function.sym_name.data in called:
                erase_uncalled(op, function)

    def _steps(self, names: tuple[str, ...]) -> list[Step | OwnPass]:
        """Return the steps of names, each with what makes its gates the device's."""
        found: list[Step | OwnPass] = []
        for name in names:
            step = found_step(name, self.own)
            found.append(step)
            found += map(find_step, AFTER.get(step.name, (DECOMPOSITION,)))
        return found


def found_step(name: str, own: Mapping[str, OwnPass]) -> Step | OwnPass:
    """Return the step of a name, given those of users."""
    found = own.get(name)
    return find_step(name) if found is None else found
