"""Feed-forward under control: what is done on an outcome is done on its qubit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import IsTerminator, is_side_effect_free, is_speculatable

from qjit.dialects.gates import GATES
from qjit.dialects.quantum import (
    ExtractOp,
    GateOp,
    InsertOp,
    PassThrough,
    UnitaryOp,
)
from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.passes.circuits.gates import Gate, read_gate
from qjit.lowering.passes.circuits.parameters import ParameterExpression, parameter

from .deferred_outcomes import DeferredOutcomes, inserting
from .outcome_functions import Cube
from .wire_bases import Z, wire_bases

# Outcomes for which something is done: cubes that are disjoint.
Cover = Sequence[Cube]
ALWAYS: Cover = ({},)
Branch = scf.IfOp | scf.IndexSwitchOp
Parameters = tuple[ParameterExpression | SSAValue, ...]


def turned(op: GateOp | UnitaryOp, qubits: Sequence[int]) -> list[int]:
    """Return the qubits on which a gate is not diagonal."""
    return [q for q, bits in wire_bases(op, qubits).items() if not bits & Z]


class FeedForward:
    """Makes branches on outcomes, and angles computed from them, controlled gates."""

    def __init__(self, state: DeferredOutcomes) -> None:
        """Work on a register whose measurements are put off."""
        self.state = state

    # Branches

    def can_control(self, op: Branch) -> bool:
        """Tell whether a branch is on outcomes, and has nothing but gates in it."""
        state = self.state
        if not state.outcomes_of(op.operands) or self._branches(op) is None:
            return False
        touched = self._touched(op, state.contents)
        return touched is not None and state.can_copy(touched)

    def _branches(self, op: Branch) -> list[tuple[Block, Cover]] | None:
        """Return the blocks of a branch, and for which outcomes each is run."""
        value, functions = op.operands[0], self.state.functions
        if isinstance(op, scf.IfOp):
            covers = [functions.cover(value, bool), functions.cover(value, _not)]
        else:
            cases = op.cases.get_values()
            covers = [functions.cover(value, lambda n: n not in cases)]
            covers += [functions.cover(value, case.__eq__) for case in cases]
        found = [each for each in covers if each is not None]
        blocks = [region.blocks for region in op.regions]
        if len(found) < len(covers) or len(found) != len(blocks):
            return None
        if any(len(each) != 1 for each in blocks):
            return None
        return [(b[0], cover) for b, cover in zip(blocks, found, strict=True)]

    def _touched(self, op: Branch, before: Sequence[int]) -> set[int] | None:
        """Return on which qubits the gates of a branch are; None if it has others.

        `before` says which qubit is at each wire where the branch begins, and ends.
        """
        found = set[int]()
        plain = [r for r in op.results if not isinstance(r.type, RegisterType)]
        if plain and not isinstance(op, scf.IfOp):
            return None
        for region in op.regions:
            contents = list(before)
            for each in region.block.ops:
                on = self._touched_by(each, contents)
                if on is None:
                    return None
                found |= on
            if contents != list(before):
                return None
        return found

    def _touched_by(self, op: Operation, contents: list[int]) -> set[int] | None:
        qubits = self.state.qubits
        match op:
            case ExtractOp() if isinstance(op.wire, int):
                qubits[op.qubit] = contents[op.wire]
            case InsertOp() if isinstance(op.wire, int):
                contents[op.wire] = qubits[op.qubit]
            case GateOp() | UnitaryOp() if self.can_be_under(op):
                on = [qubits[each] for each in op.qubits]
                self.state.rename(op, on)
                return set(on)
            case GateOp() | UnitaryOp() | PassThrough():
                return None
            case scf.IfOp() | scf.IndexSwitchOp():
                return self._touched_inside(op, contents)
            case _ if op.has_trait(IsTerminator):
                pass
            case _ if is_side_effect_free(op) and is_speculatable(op):
                self.state.functions.add(op)
                return None if op.regions or isinstance(op, ExtractOp) else set()
            case _:
                return None
        return set()

    def _touched_inside(self, op: Branch, contents: list[int]) -> set[int] | None:
        """Return on which qubits a branch in another one is, if it only has gates."""
        plain = any(not isinstance(each.type, RegisterType) for each in op.results)
        if plain or self._branches(op) is None:
            return None
        return self._touched(op, contents)

    def control(
        self, op: Branch, before: Operation, under: Cover = ALWAYS
    ) -> Iterator[Operation]:
        """Put the gates of a branch before an operation, and yield what else it has.

        That are operations which compute, before the operation too.
        """
        insert = inserting(before)
        yielded: list[Sequence[SSAValue]] = []
        for block, cover in self._branches(op) or ():
            cubes = meet(under, cover)
            for each in list(block.ops):
                match each:
                    case ExtractOp() | InsertOp():
                        pass
                    case GateOp() | UnitaryOp():
                        on = [self.state.qubits[qubit] for qubit in each.qubits]
                        self.under(each, on, cubes, before)
                    case scf.IfOp() | scf.IndexSwitchOp():
                        yield from self.control(each, before, cubes)
                    case _ if each.has_trait(IsTerminator):
                        yielded.append(each.operands)
                    case _:
                        each.detach()
                        insert(each)
                        yield each
        for result, *values in zip(op.results, *yielded, strict=True):
            if not isinstance(result.type, RegisterType):
                chosen = arith.SelectOp(op.operands[0], *values)
                insert(chosen)
                result.replace_all_uses_with(chosen.result)
                yield chosen

    # Gates

    def can_be_under(self, op: GateOp | UnitaryOp) -> bool:
        """Tell whether a gate can be under control, with parameters of outcomes."""
        if isinstance(op, UnitaryOp):
            fixed = op.slot is None and op.invertible is None
            return fixed and not self.state.outcomes_of([op.matrix])
        if op.slots:
            return False
        return self._sum(op) is not None or self._cases(op) is not None

    def _sum(self, op: GateOp) -> list[tuple[Parameters, Cube]] | None:
        """Return gates in place of one with a sum as angle: U(a + b) = U(a) U(b)."""
        record = GATES[op.gate.data]
        if not (record if record.base is None else GATES[record.base]).additive:
            return None
        (angle,) = op.params
        terms = self.state.functions.polynomial(angle)
        if terms is None:
            return None
        ordered = sorted(terms.items(), key=lambda term: len(term[0]))
        return [((factor,), dict.fromkeys(ones, 1)) for ones, factor in ordered]

    def _cases(self, op: GateOp) -> list[dict[SSAValue, int]] | None:
        return self.state.functions.cases(*op.params)

    def _gates(
        self, op: GateOp, gate: Gate, before: Operation
    ) -> Iterator[tuple[Gate, Cube]]:
        """Yield what a gate is for which outcomes."""
        if not self.state.outcomes_of(op.params):
            yield gate, {}
        elif (terms := self._sum(op)) is not None:
            for params, ones in terms:
                yield gate.at(*params), ones
        else:
            insert, functions = inserting(before), self.state.functions
            cases = self._cases(op)
            assert cases is not None
            for bits in cases:
                values = [functions.copied(each, bits, insert) for each in op.params]
                yield gate.at(*map(parameter, values)), bits

    def under(
        self,
        op: GateOp | UnitaryOp,
        qubits: Sequence[int],
        cover: Cover,
        before: Operation,
    ) -> None:
        """Insert a gate, or what it is for which outcomes, under these."""
        state = self.state
        params = op.params if isinstance(op, GateOp) else ()
        outcomes = set(state.outcomes_of(params)).union(*cover)
        hosts = {state.pending[each] for each in outcomes}
        moved = {*turned(op, qubits), *hosts.intersection(qubits)}
        state.make_room(sorted(moved), before)
        if isinstance(op, UnitaryOp):
            for cube in cover:
                self._unitary(op, qubits, cube, before)
        else:
            gate = read_gate(op, dict(zip(op.qubits, qubits, strict=True)))
            for each, cube in self._gates(op, gate, before):
                for joint in meet(cover, [cube]):
                    self._gate(each, joint, before)
        state.rename(op, qubits)

    def _controls(self, cube: Cube) -> dict[int, int] | None:
        """Return the values of the qubits of outcomes; None if these cannot be."""
        found: dict[int, int] = {}
        for outcome, bit in cube.items():
            if found.setdefault(self.state.pending[outcome], bit) != bit:
                return None
        return found

    def _gate(self, gate: Gate, cube: Cube, before: Operation) -> None:
        controls = self._controls(cube)
        if controls is None:
            return
        values = (*controls.values(), *gate.all_control_values)
        made = gate.under((*controls, *gate.all_controls), values)
        self.state.write(made, before)

    def _unitary(
        self, op: UnitaryOp, qubits: Sequence[int], cube: Cube, before: Operation
    ) -> None:
        controls = self._controls(cube)
        if controls is None:
            return
        state = self.state
        on = [*qubits, *controls]
        values = [state.value(qubit, before) for qubit in on]
        split = len(op.targets)
        made = UnitaryOp(
            op.matrix,
            values[:split],
            controls=values[split:],
            control_values=(*op.control_pattern, *controls.values()),
            diagonal=op.diagonal is not None,
            adjoint=op.adjoint is not None,
            line=None if op.line is None else op.line.value.data,
        )
        inserting(before)(made)
        state.put(dict(zip(on, made.results, strict=True)))


def meet(first: Cover, second: Cover) -> list[Cube]:
    """Return the cubes in which those of two covers meet."""
    return [
        {**a, **b}
        for a in first
        for b in second
        if all(a.get(outcome, bit) == bit for outcome, bit in b.items())
    ]


def _not(number: int) -> bool:
    return not number
