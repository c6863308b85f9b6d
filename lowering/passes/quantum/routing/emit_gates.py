"""Gates of a register in the order that a route has, with SWAPs between them."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint, Rewriter

from .dependencies import Dependencies, Interaction, dependencies
from .interactions import in_blocks
from .layout import best_route
from .register_state import RegisterState
from .sabre import Swap

MOST_ROUTES = 4


def emit_pending(
    state: RegisterState,
    following: Sequence[Interaction],
    before: Operation,
    *,
    trials: int,
    seed: int,
) -> None:
    """Put the pending gates of a register before an operation.

    Args:
        state: where the qubits are, which changes.
        following: what comes after, which is looked at only.
        before: the operation.
        trials: how many routes are tried.
        seed: decides between routes that are equally good.
    """
    own = [found for _, found, _ in state.pending]
    blocks, groups = in_blocks(own)
    gates = dependencies([*blocks, *following], len(state.at))
    num_done = sum(number < len(blocks) for number in gates.numbers)
    routed = best_route(
        gates,
        state.graph,
        state.at,
        trials=min(trials, MOST_ROUTES),
        seed=seed,
        like=state.like,
        num_done=num_done,
    )
    emission = _Emission(state, gates, groups, before)
    line = None
    for position, move in enumerate(routed.moves):
        if isinstance(move, Swap):
            if line is None:
                line = emission.line_after(routed.moves[position:])
            state.swap((move.a, move.b), before, line)
        else:
            emission.pair(gates.numbers[move])
            line = None
    emission.rest()
    state.pending.clear()


class _Emission:
    """The blocks of pending gates, of which those on one qubit wait their turn."""

    def __init__(
        self,
        state: RegisterState,
        gates: Dependencies,
        groups: Sequence[Sequence[int]],
        before: Operation,
    ) -> None:
        self.state, self.before, self.gates = state, before, gates
        self.groups, self.ranks = groups, gates.ranks
        self.singles: list[list[int]] = [[] for _ in state.at]
        self.done = [False] * len(groups)
        for number in reversed(range(len(groups))):
            qubits = self._first(number).qubits
            if len(qubits) == 1:
                self.singles[qubits[0]].append(number)

    def _first(self, number: int) -> Interaction:
        return self.state.pending[self.groups[number][0]][1]

    def pair(self, number: int) -> None:
        """Do a block on two qubits after all gates on one that it depends on."""
        qubits = self._first(number).qubits
        for qubit, rank in zip(qubits, self.ranks[number], strict=True):
            waiting = self.singles[qubit]
            while waiting and self.ranks[waiting[-1]][0] < rank:
                self._do(waiting.pop())
        self._do(number)

    def rest(self) -> None:
        """Do all gates that are left."""
        for number, done in enumerate(self.done):
            if not done:
                self._do(number)

    def line_after(self, moves: Sequence[int | Swap]) -> int | None:
        """Return the number of the line of the next gate."""
        for move in moves:
            if not isinstance(move, Swap):
                op, _, _ = self.state.pending[self.groups[self.gates.numbers[move]][0]]
                return None if op.line is None else op.line.value.data
        return None

    def _do(self, number: int) -> None:
        self.done[number] = True
        for each in self.groups[number]:
            self._emit(each)

    def _emit(self, number: int) -> None:
        op, _, qubits = self.state.pending[number]
        state = self.state
        op.detach()
        first = len(op.operands) - len(op.results)
        for index, qubit in enumerate(qubits):
            op.operands[first + index] = state.value(qubit, self.before)
        Rewriter.insert_op(op, InsertPoint.before(self.before))
        for qubit, result in zip(qubits, op.results, strict=True):
            state.out[state.at[qubit]] = result
