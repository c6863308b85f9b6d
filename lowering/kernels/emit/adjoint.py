"""How a run is undone on ket and bra, as the adjoint method does."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.lowering.kernels.schedule.gate_model import Diagonal, ElementaryGate, TwoLevel
from qjit.runtime.codegen.builder import Value

from .addressing import Storage
from .adjoint_gradients import ParameterGradient, Target, gradient_of
from .block_groups import Groups
from .folded_complex import Number, Real
from .group_loops import each_group
from .kernel_context import KernelContext
from .permute import Move, moved
from .register_ops import Part, Parts, Step


class AdjointPass:
    """The passes of a run backwards, and the derivatives by its parameters."""

    def __init__(
        self,
        code: KernelContext,
        states: Sequence[Storage],
        target: Target,
        memories: Sequence[Storage] | None = None,
    ) -> None:
        self.code, self.states, self.target = code, states, target
        self.memories = memories or states
        # Gates of which the diagonal is undone and the rest is not, or the reverse.
        self.halves: dict[int, tuple[ElementaryGate, bool]] = {}

    def emit(self) -> None:
        """Emit all of it."""
        code, passes = self.code, self.code.plan.passes
        sources = self.states
        if code.moves_blocks:
            sources = self.memories
            if sources is self.states:
                sources = [code.state_buffer() for _ in sources]
            for state, source in zip(self.states, sources, strict=True):
                Move(code, state, source, code.plan.layout.basis_state).emit()
        for number in range(len(passes) - 1, -1, -1):
            targets = self.memories if number else self.states
            self._pass(number, sources, targets)
            sources = self.memories

    def _pass(
        self, number: int, sources: Sequence[Storage], targets: Sequence[Storage]
    ) -> None:
        code, plan = self.code, self.code.plan
        groups = Groups(code, plan.passes[number], backwards=True)
        is_last = number == len(plan.passes) - 1
        moves = is_last and plan.is_whole and not plan.layout.is_plain
        gradients = [self._gradient(groups, run) for run in groups.runs()]

        def visit(first: Value, steps: list[Step]) -> None:
            held = [self._load(groups.addresses(source, first)) for source in sources]
            if moves:
                origin = plan.layout.basis_state
                held = [moved(code.blocks, each, plan.size, origin) for each in held]
            for step, (gradient, _) in zip(steps, gradients, strict=True):
                undone = [{to: step.part(to, each) for to in each} for each in held]
                if gradient is not None:
                    gradient.add(step, held[0], undone[0], held[1])
                held = undone
            for target, parts in zip(targets, held, strict=True):
                addresses = groups.addresses(target, first)
                for (block, part), value in parts.items():
                    code.body.store(value, addresses[block], part)

        each_group(groups, visit)
        for gradient, correction in gradients:
            if gradient is not None:
                gradient.finish(correction)

    def _load(self, addresses: Sequence[Value]) -> Parts:
        body, blocks = self.code.body, self.code.blocks
        found: dict[Part, Value] = {}
        for block, address in enumerate(addresses):
            for part in (0, 1):
                found[block, part] = body.load(blocks.vector, address, part)
        return found

    def _gradient(
        self, groups: Groups, run: Sequence[ElementaryGate]
    ) -> tuple[ParameterGradient | None, Real]:
        """What finds derivatives at a step, and what they are to be multiplied by."""
        gradient = gradient_of(groups, run, self.target)
        first = run[0]
        inverted = gradient is not None and gradient.needs_inverse
        if inverted and isinstance(first, TwoLevel):
            self._half(first)
        correction = self._correction()
        if isinstance(first, TwoLevel):
            if not inverted:
                self._half(first)
            return gradient, correction
        for phase in run:
            if isinstance(phase, Diagonal) and phase.of is not None:
                self._half(phase.of, diagonal=True)
            elif isinstance(phase, Diagonal) and phase.scaled:
                self._half(phase)
        return gradient, correction

    def _half(self, gate: ElementaryGate, *, diagonal: bool = False) -> None:
        """Note that the diagonal of a gate, or the rest of it, is undone."""
        if gate.conditions:
            return
        if self.halves.pop(id(gate), None) is None:
            self.halves[id(gate)] = gate, diagonal

    def _correction(self) -> Real:
        """What makes up for gates undone by half: D is too small, N too large."""
        small, large = Number(1.0), Number(1.0)
        for gate, diagonal in self.halves.values():
            size = Number(self.code.scales[gate][0].square)
            if diagonal:
                small = small * size
            else:
                large = large * size
        return large.over(small).re
