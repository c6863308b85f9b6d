"""The pass `qnode-passes`: circuits go through the passes of quantum functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.passes import ModulePass

from qjit.dialects.quantum import AllocOp
from qjit.dialects.targets import Target
from qjit.lowering.analysis.devices import target_of
from qjit.lowering.passes.pipeline import OwnPass, Step
from qjit.lowering.passes.presets import has_own_passes
from qjit.lowering.program_attributes import (
    CIRCUIT_PASSES,
    FINAL_PASSES,
    set_passes,
    texts_of,
)

from .final_qnode_passes import FinalQnodePassesPass, found_step
from .outlined_circuits import OutlinedCircuit, erase_uncalled

# What makes circuits of gates, and on edges, of their devices.
OF_DEVICES = ("decompose-gates", "device-passes")


@dataclass(frozen=True)
class QnodePassesPass(ModulePass):
    """Run the passes of single quantum functions, those of `qnode(passes=...)`.

    `own` are the passes that users bring, by name.
    """

    own: Mapping[str, OwnPass] = field(default_factory=dict[str, OwnPass])

    name = "qnode-passes"
    exact = True  # on circuits over dual numbers, which have no passes of their own

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Take circuits out one by one, but for what comes after their devices' passes.

        Final passes, and those of users behind them, wait for these.
        """
        for alloc in [each for each in op.walk() if isinstance(each, AllocOp)]:
            names = texts_of(alloc.attributes.pop(CIRCUIT_PASSES, None))
            first, final = _in_two(names, self.own, target_of(alloc))
            if final:
                set_passes(alloc, final, FINAL_PASSES)
            if first:
                steps = [found_step(name, self.own) for name in first]
                OutlinedCircuit(op, alloc).run(ctx, steps)
        for function in [each for each in op.ops if isinstance(each, FuncOp)]:
            if function.attributes.pop(CIRCUIT_PASSES, None) is not None:
                erase_uncalled(op, function)


def _in_two(
    names: Sequence[str], own: Mapping[str, OwnPass], target: Target
) -> tuple[list[str], list[str]]:
    """Return which passes come before those of a device, and which after."""
    if not has_own_passes(target):
        return list(names), []
    first: list[str] = []
    final: list[str] = []
    for name in names:
        step = found_step(name, own)
        waits = bool(final) if isinstance(step, OwnPass) else step.final
        (final if waits else first).append(name)
    return first, final


def with_circuit_passes(
    module: ModuleOp, passes: Mapping[str, Any], steps: Sequence[Step | OwnPass]
) -> list[Step | OwnPass]:
    """Return the steps of a program with those that run passes of its circuits.

    Args:
        module: the program.
        passes: those of its quantum functions, by their texts.
        steps: its own.
    """
    if not passes:
        return list(steps)
    own = own_passes(passes)
    first = OwnPass(QnodePassesPass(own), "quantum")
    if not any(
        _in_two(texts_of(each.attributes.get(CIRCUIT_PASSES)), own, target_of(each))[1]
        for each in module.walk()
        if isinstance(each, AllocOp)
    ):
        return [first, *steps]
    place = _place_of_final(steps)
    last = OwnPass(FinalQnodePassesPass(own), "quantum")
    return [first, *steps[:place], last, *steps[place:]]


def _place_of_final(steps: Sequence[Step | OwnPass]) -> int:
    """Return before which step the gates are those that run in the end.

    That is behind the last one that makes gates of devices, and behind all others of
    ours that change gates, up to a pass of the user's, such as noise.
    """
    places = [n for n, step in enumerate(steps) if step.name in OF_DEVICES]
    place = 1 + max(places, default=-1)
    while place < len(steps) and not (
        steps[place].level != "quantum" or getattr(steps[place], "final", True)
    ):
        place += 1
    return place


def own_passes(passes: Mapping[str, Any]) -> dict[str, OwnPass]:
    """Return the passes that users bring."""
    return {text: each for text, each in passes.items() if isinstance(each, OwnPass)}
