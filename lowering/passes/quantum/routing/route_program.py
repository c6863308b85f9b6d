"""The walk that routes a program, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import (
    DenseArrayBase,
    IntegerType,
    ModuleOp,
    StringAttr,
    SymbolRefAttr,
    i64,
)
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import IsTerminator, is_side_effect_free

from qjit.dialects.quantum import (
    AllocOp,
    DeallocOp,
    ExtractOp,
    GateOp,
    InsertOp,
    MeasureOp,
    PassThrough,
    ResetOp,
    StatePrepOp,
    UnitaryOp,
)
from qjit.dialects.quantum.linearity import line_of
from qjit.dialects.quantum.types import RegisterType
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.passes.quantum.dynamic_circuits.register_span import RegisterSpan

from .coupling import CouplingGraph
from .dependencies import Interaction, dependencies
from .emit_gates import emit_pending
from .interactions import (
    Examples,
    InteractionReader,
    in_blocks,
    interaction,
    is_swap,
    known_wire,
)
from .loops import TURNS, loop_layout, meeting_layout, move_to, turns_of
from .register_state import RegisterState
from .vertices import check_graph, place_qubits

LOOKAHEAD = 20
# Registers grow up to this size only: the state doubles with each wire.
MOST_GROWN = 24
# How many layouts are tried where that is not said: fewer, the more gates there are.
LEAST_TRIALS, MOST_TRIALS, MOST_WORK = 2, 12, 2400


@dataclass(frozen=True)
class RoutingOptions:
    """What a program is routed to: the graph for a number of wires, and how."""

    graph: Callable[[int], CouplingGraph]
    trials: int | None
    seed: int

    def trials_for(self, num_gates: int) -> int:
        """Return how many layouts are tried for a number of gates."""
        if self.trials is not None:
            return self.trials
        return min(max(MOST_WORK // max(1, num_gates), LEAST_TRIALS), MOST_TRIALS)


@dataclass
class _RoutedFunction:
    """A function of gates: where it takes the wires of registers, and leaves them."""

    function: func.FuncOp
    entry: dict[int, list[int]]
    exit: dict[int, list[int]]


class ProgramRouter:
    """Routes the registers of a module."""

    def __init__(self, module: ModuleOp, options: RoutingOptions) -> None:
        self.module, self.options = module, options
        self.states: dict[SSAValue, RegisterState] = {}
        self.qubits: dict[SSAValue, tuple[RegisterState, int]] = {}
        self.functions = {
            op.sym_name.data: op for op in module.ops if isinstance(op, func.FuncOp)
        }
        self.routed: dict[Any, _RoutedFunction] = {}
        self.originals = {
            name: op.clone()
            for name, op in self.functions.items()
            if _registers(op.args)
        }
        self.dead: list[Operation] = []
        self.examples = Examples()

    def run(self) -> None:
        """Route all functions; those of gates where they are called."""
        for function in list(self.functions.values()):
            if not _registers(function.args):
                for block in function.body.blocks:
                    self._block(block)
        for op in reversed(self.dead):
            op.detach()
            op.erase(safe_erase=False)

    def _block(self, block: Block) -> None:
        """Route the operations of a block up to its terminator."""
        for op in list(block.ops):
            self._visit(op)

    def _visit(self, op: Operation) -> None:
        match op:
            case GateOp() | UnitaryOp():
                self._gate(op)
            case ExtractOp():
                state = self.states[op.register]
                self._check_unfinished(state, op)
                qubit = state.contents[known_wire(op)]
                self.qubits[op.qubit] = state, qubit
                self.dead.append(op)
            case InsertOp():
                state, qubit = self._taken(op, op.qubit)
                state.contents[known_wire(op)] = qubit
                if _is_of_block(op.register, op.parent):
                    del self.states[op.register]
                self.states[op.out_register] = state
                self.dead.append(op)
            case MeasureOp() | ResetOp():
                self._measure(op)
            case PassThrough():
                self._pass_through(op)
            case AllocOp():
                self._allocate(op)
            case StatePrepOp():
                self._prepare(op)
            case _ if op.has_trait(IsTerminator):
                for state in self._held(op.operands).values():
                    self._flush(state, op)
            case func.CallOp() if _registers(op.operands):
                self._call(op)
            case _ if op.regions:
                self._region(op)
            case _ if _registers(op.operands):
                self._look(op)
            case _:
                self._settle(op)

    def _settle(self, op: Operation) -> None:
        """Do gates by matrices in memory before an operation that may write there."""
        if is_side_effect_free(op):
            return
        for state in {id(s): s for s in self.states.values()}.values():
            if any(isinstance(gate, UnitaryOp) for gate, *_ in state.pending):
                self._flush(state, op)

    @staticmethod
    def _check_unfinished(state: RegisterState, op: Operation) -> None:
        if state.finished:
            raise PassError(
                f"{line_of(op) or 'unknown line'}: gates after the register was looked "
                "at cannot be routed. Let measurements at the end be the last."
            )

    def _gate(self, op: GateOp | UnitaryOp) -> None:
        state, _ = self.qubits[op.qubits[0]]
        qubits = [self.qubits[value][1] for value in op.qubits]
        if state.top and is_swap(op):
            qubits.reverse()
            self.dead.append(op)
        else:
            numbers = dict(zip(op.qubits, qubits, strict=True))
            found = interaction(op, numbers, self.examples)
            state.pending.append((op, found, tuple(qubits)))
        for value in op.qubits:
            self._taken(op, value)
        for result, qubit in zip(op.results, qubits, strict=True):
            self.qubits[result] = state, qubit

    def _taken(self, op: Operation, value: SSAValue) -> tuple[RegisterState, int]:
        """Return the register and number of a qubit, which is used no more in a block.

        Other branches may use one from outside.
        """
        if _is_of_block(value, op.parent):
            return self.qubits.pop(value)
        return self.qubits[value]

    def _measure(self, op: MeasureOp | ResetOp) -> None:
        state, qubit = self.qubits[op.qubit]
        self._flush(state, op)
        self._taken(op, op.qubit)
        op.operands[0] = state.value(qubit, op)
        state.out[state.at[qubit]] = op.out_qubit
        self.qubits[op.out_qubit] = state, qubit

    def _pass_through(self, op: PassThrough) -> None:
        """Pass qubits through where they are, after the gates before."""
        held = [self.qubits[value] for value in op.qubits]
        for state in {id(state): state for state, _ in held}.values():
            self._flush(state, op)
        for value in op.qubits:
            self._taken(op, value)
        for index, (state, qubit) in enumerate(held):
            op.operands[index] = state.value(qubit, op)
            state.out[state.at[qubit]] = op.results[index]
            self.qubits[op.results[index]] = state, qubit

    def _allocate(self, op: AllocOp) -> None:
        """Choose the vertices of a register, and where its qubits are at first."""
        size = op.register.type.size.data
        graph = self.options.graph(size)
        check_graph(graph, size, op)
        reader = InteractionReader(self.originals)
        reader.registers[op.register] = list(range(size))
        reader.read(_from(op), top=True)
        gates = dependencies(in_blocks(reader.found)[0], size)
        trials, seed = self.options.trials_for(len(gates.pairs)), self.options.seed
        span = RegisterSpan.of(op)
        most = MOST_GROWN if span is not None and span.can_grow else size
        placed = place_qubits(gates, graph, trials=trials, seed=seed, most=most)
        vertices = placed.vertices
        if span is not None and len(vertices) > size:
            span.grow(len(vertices))
        self.states[op.register] = RegisterState(
            op.register,
            vertices,
            graph.within(vertices),
            list(placed.start.layout),
            list(range(size)),
            like=placed.start,
            top=True,
        )
        op.attributes["vertices"] = _array(vertices)
        op.attributes["initial_layout"] = _array(
            vertices[wire] for wire in placed.start.layout
        )

    def _prepare(self, op: StatePrepOp) -> None:
        state = self.states[op.register]
        self._flush(state, op)
        if op.wires is None:
            raise PassError(
                f"{line_of(op) or 'unknown line'}: the wires of a state are computed "
                "when the program runs, and cannot be routed. Name them by numbers."
            )
        layout = state.layout
        op.operands[0] = state.close(op)
        places = [layout[wire] for wire in op.wires.get_values()]
        op.properties["wires"] = _array(places)
        state.register = op.out_register
        self.states[op.out_register] = state

    def _look(self, op: Operation) -> None:
        """Give an operation that looks at a register the wires of the program."""
        for index, value in enumerate(op.operands):
            if (state := self.states.get(value)) is not None:
                self._flush(state, op)
                final = [state.vertices[wire] for wire in state.layout]
                op.operands[index] = state.finish(op)
                if isinstance(op, DeallocOp):
                    op.attributes["final_layout"] = _array(final)

    def _region(self, op: Operation) -> None:
        used = _outer_registers(op, self.states)
        if not used:
            self._settle(op)
            for region in op.regions:
                for block in region.blocks:
                    self._block(block)
            return
        for value in used:
            state = self.states[value]
            self._check_unfinished(state, op)
            self._flush(state, op)
        match op:
            case scf.ForOp():
                self._for(op)
            case scf.WhileOp():
                self._while(op)
            case scf.IfOp() | scf.IndexSwitchOp():
                self._branches(op, used)
            case _:
                raise PassError(
                    f"{line_of(op) or 'unknown line'}: gates in {op.name} cannot be "
                    "routed. Route before the pass that makes it."
                )

    def _for(self, op: scf.ForOp) -> None:
        body = op.body.block
        held = self._held(op.iter_args)
        for index, state in held.items():
            argument = body.args[1 + index]
            self._enter(state, op, turns_of(op), [(argument, body)])
            op.operands[3 + index] = state.close(op)
            self.states[argument] = state.entering(argument, state.layout)
        self._block(body)
        self._leave(body, {index: state.layout for index, state in held.items()})
        self._results(op, {index: (s, s.layout) for index, s in held.items()})

    def _while(self, op: scf.WhileOp) -> None:
        before, after = op.before_region.block, op.after_region.block
        held = self._held(op.operands)
        for index, state in held.items():
            argument = before.args[index]
            bodies = [(argument, before)]
            bodies += [(arg, after) for arg in after.args if arg.type == argument.type]
            self._enter(state, op, TURNS, bodies)
            op.operands[index] = state.close(op)
            self.states[argument] = state.entering(argument, state.layout)
        self._block(before)
        # The condition itself is the first operand of its operation.
        left = {index - 1: each for index, each in self._leave(before, {}).items()}
        for index, (state, layout) in left.items():
            argument = after.args[index]
            self.states[argument] = state.entering(argument, layout)
        self._results(op, left)
        self._block(after)
        self._leave(after, {index: state.layout for index, state in held.items()})

    def _branches(
        self, op: scf.IfOp | scf.IndexSwitchOp, used: Sequence[SSAValue]
    ) -> None:
        outer = {value: self.states[value] for value in used}
        for state in outer.values():
            state.close(op)
        ends: list[tuple[Block, dict[int, RegisterState]]] = []
        for region in op.regions:
            block = region.block
            for value, state in outer.items():
                self.states[value] = state.entering(state.register, state.layout)
            self._block(block)
            ends.append((block, self._ends(block)))
        targets = {
            index: meeting_layout([states[index] for _, states in ends])
            for index in ends[0][1]
        }
        for block, states in ends:
            self._leave(block, targets, states)
        first = ends[0][1]
        self._results(op, {index: (first[index], at) for index, at in targets.items()})

    def _held(self, values: Sequence[SSAValue]) -> dict[int, RegisterState]:
        """Return the registers among values, by their places."""
        return {
            index: self.states[value]
            for index, value in enumerate(values)
            if isinstance(value.type, RegisterType)
        }

    def _ends(self, block: Block) -> dict[int, RegisterState]:
        """Return the registers that the end of a block passes on."""
        assert block.last_op is not None
        return self._held(block.last_op.operands)

    def _results(
        self, op: Operation, left: dict[int, tuple[RegisterState, list[int]]]
    ) -> None:
        for index, (state, layout) in left.items():
            result = op.results[index]
            known = self.states[result] = state.entering(result, layout)
            known.top = state.top

    def _leave(
        self,
        block: Block,
        targets: dict[int, list[int]],
        states: dict[int, RegisterState] | None = None,
    ) -> dict[int, tuple[RegisterState, list[int]]]:
        """Put registers back at the end of a block, in layouts if these are given."""
        last = block.last_op
        assert last is not None
        found: dict[int, tuple[RegisterState, list[int]]] = {}
        for index, state in (states or self._ends(block)).items():
            self._check_unfinished(state, last)
            if index in targets:
                move_to(state, targets[index], last)
            found[index] = state, state.layout
            last.operands[index] = state.close(last)
        return found

    def _enter(
        self,
        state: RegisterState,
        op: Operation,
        turns: int,
        bodies: Sequence[tuple[SSAValue, Block]],
    ) -> None:
        """Bring qubits into the layout in which a loop is entered."""
        size = len(state.at)
        reader = InteractionReader(self.originals)
        for argument, block in bodies:
            reader.registers[argument] = list(range(size))
            reader.read(block.ops)
        gates = dependencies(in_blocks(reader.found)[0], size)
        target = loop_layout(gates, state.graph, state.layout, turns, self.options.seed)
        move_to(state, target, op)

    def _call(self, op: func.CallOp) -> None:
        """Call a function of gates, which is routed when it is first called."""
        held = self._held(op.operands)
        for state in held.values():
            self._check_unfinished(state, op)
            self._flush(state, op)
        name = op.callee.string_value()
        key = name, *(state.vertices for state in held.values())
        if key not in self.routed:
            self.routed[key] = self._route_function(name, held)
        routed = self.routed[key]
        op.callee = SymbolRefAttr(routed.function.sym_name)
        for index, state in held.items():
            move_to(state, routed.entry[index], op)
            op.operands[index] = state.close(op)
        first = next(iter(held.values()))
        self._results(
            op, {index: (first, layout) for index, layout in routed.exit.items()}
        )

    def _route_function(
        self, name: str, held: dict[int, RegisterState]
    ) -> _RoutedFunction:
        """Route a function, or a copy of it if it is routed for other vertices."""
        function = self.functions[name]
        if any(key[0] == name for key in self.routed):
            function = self.originals[name].clone()
            function.sym_name = StringAttr(f"{name}_on_vertices_{len(self.routed)}")
            self.module.body.block.add_op(function)
        body = function.body.block
        entry = {index: state.layout for index, state in held.items()}
        for index, state in held.items():
            argument = body.args[index]
            self.states[argument] = state.entering(argument, entry[index])
        self._block(body)
        left = self._leave(body, {})
        exits = {index: layout for index, (_, layout) in left.items()}
        return _RoutedFunction(function, entry, exits)

    def _flush(self, state: RegisterState, before: Operation) -> None:
        """Put the pending gates of a register before an operation."""
        if not state.pending:
            return
        pairs = any(len(found.qubits) == 2 for _, found, _ in state.pending)
        emit_pending(
            state,
            self._following(state, before) if pairs else (),
            before,
            trials=self.options.trials_for(len(state.pending)),
            seed=self.options.seed,
        )

    def _following(self, state: RegisterState, op: Operation) -> Sequence[Interaction]:
        """Return the gates on a register from an operation on, a few of them."""
        reader = InteractionReader(self.originals, LOOKAHEAD)
        reader.qubits = {
            value: qubit for value, (of, qubit) in self.qubits.items() if of is state
        }
        reader.registers = {
            value: list(state.contents)
            for value, of in self.states.items()
            if of is state
        }
        reader.read(_from(op), top=state.top)
        return reader.found


def _is_of_block(value: SSAValue, block: Block | None) -> bool:
    owner = value.owner
    return (owner if isinstance(owner, Block) else owner.parent) is block


def _registers(values: Iterable[SSAValue]) -> list[SSAValue]:
    return [value for value in values if isinstance(value.type, RegisterType)]


def _outer_registers(
    op: Operation, states: Mapping[SSAValue, RegisterState]
) -> list[SSAValue]:
    """Return the registers from outside that an operation with regions uses."""
    found = {
        value: None for each in op.walk() for value in each.operands if value in states
    }
    return list(found)


def _from(op: Operation | None) -> Iterator[Operation]:
    """Yield an operation and those after it in its block."""
    while op is not None:
        yield op
        op = op.next_op


def _array(values: Iterable[int]) -> DenseArrayBase[IntegerType]:
    return DenseArrayBase.from_list(i64, list(values))
