"""The forward pass of a kernel: its passes over the state, one after another."""

from __future__ import annotations

from qjit.runtime.codegen.builder import Value

from .addressing import Storage
from .block_groups import Groups
from .group_loops import connected, each_group
from .kernel_context import KernelContext
from .permute import Move, moved
from .register_ops import Step


class Forward:
    """The passes of a run, one after another.

    On a state, or on a tile of it, between passes in a memory of its own.
    """

    def __init__(
        self, code: KernelContext, state: Storage, memory: Storage | None = None
    ) -> None:
        self.code, self.state, self.memory = code, state, memory

    def emit(self) -> None:
        """Emit all of them."""
        code, count = self.code, len(self.code.plan.passes)
        last = between = self.memory or self.state
        if not code.moves_blocks:
            last = self.state
        elif self.memory is None:
            last = code.state_buffer()
        for number in range(count):
            source = between if number else self.state
            is_last = number == count - 1
            self._pass(number, source, last if is_last else between, is_last)
        if code.moves_blocks:
            Move(code, last, self.state, code.plan.layout.index).emit()

    def _pass(
        self, number: int, source: Storage, target: Storage, is_last: bool
    ) -> None:
        """Load, change and store group after group.

        Where real and imaginary parts fall into sets that do not meet, as for gates
        that are all real, one set is done after the other: fewer registers are in use.
        """
        code, plan = self.code, self.code.plan
        groups = Groups(code, plan.passes[number])
        moves = is_last and plan.is_whole and not plan.layout.is_plain

        def visit(first: Value, steps: list[Step]) -> None:
            body, blocks = code.body, code.blocks
            here = groups.addresses(source, first)
            there = here if target is source else groups.addresses(target, first)
            groups.prefetch(source, first)
            sets = connected(steps, groups.size, moves=moves)
            for together in sets:
                parts = {
                    to: body.load(blocks.vector, here[to[0]], to[1]) for to in together
                }
                for step in steps:
                    parts = {to: step.part(to, parts) for to in together}
                if moves:
                    parts = moved(blocks, parts, plan.size, plan.layout.index)
                for (block, part), value in parts.items():
                    body.store(value, there[block], part)
                if len(sets) > 1:
                    body.barrier()

        each_group(groups, visit)
