"""One shot of a quantum function, as a function that returns bits.

That is what other runtimes take: gates, control flow that outcomes decide, and the
outcomes. Statistics of shots are made of these afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from jax.core import ShapedArray
from jax.extend.core import ClosedJaxpr, JaxprEqn
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, FunctionType, ModuleOp, StringAttr
from xdsl.ir import SSAValue

from qjit.dialects import quantum
from qjit.dialects.targets import find_target
from qjit.errors import UnsupportedError
from qjit.gradients.qnode_primitives import Circuit
from qjit.lowering.driver.circuits import compile_circuits
from qjit.lowering.importer import extensions
from qjit.lowering.importer import program as program  # which has all rules
from qjit.lowering.importer.functions import OutlinedFunctions
from qjit.lowering.importer.importer import Importer
from qjit.lowering.importer.rules.quantum.circuit_state import begin, end, qubits_of
from qjit.lowering.importer.rules.quantum.operations import (
    add_measurement,
    readout_of,
)
from qjit.lowering.importer.rules.quantum.sampling import (
    Draw,
    axes_of,
    change_basis,
    shared_draws,
)
from qjit.lowering.importer.values import Value, memref_type
from qjit.lowering.jax_internals.equations import physical_aval
from qjit.lowering.jax_internals.tracing import without_dead_code
from qjit.lowering.jaxpr.reroll.reroll import reroll
from qjit.lowering.jaxpr.traversal import quantum_eqns
from qjit.lowering.passes.pipeline import PassError
from qjit.lowering.program_attributes import LINES
from qjit.runtime.recent import Recent
from qjit.tracing.extract_circuit import TERMINAL

from .known_operands import folded, matrix_operands

ENTRY = "shot"
SAMPLED = ("quantum_sample", "quantum_estimate")
STATES = ("quantum_state", "quantum_density_matrix")  # which are not measured


@dataclass(frozen=True)
class Shot:
    """A module whose function `shot` runs a circuit once, and what it returns."""

    module: ModuleOp
    constants: Sequence[Any]
    """What its function takes before the operands of the circuit."""
    columns: Mapping[int, Sequence[int]]
    """Of each terminal measurement that it answers: which results are its row."""
    shapes: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class ShotPlan:
    """The shots that answer all terminal measurements of a circuit."""

    circuit: Circuit

    @cached_property
    def terminals(self) -> list[JaxprEqn]:
        """The measurements that the circuit ends with."""
        eqns = (eqn for eqn, _ in quantum_eqns(self.circuit.jaxpr))
        return [eqn for eqn in eqns if eqn.primitive.name in TERMINAL]

    @cached_property
    def draws(self) -> list[Draw]:
        """What is measured along which axes; the same wires in others are others."""
        found = shared_draws(
            ((e.primitive.name, e.params, e.invars) for e in self.terminals),
            listed=True,
        )
        return found or [Draw({}, self.circuit.shots or 1, counted=False)]

    @cached_property
    def fixed(self) -> list[int]:
        """The operands that matrices are made of, by their positions.

        Gates of devices are found for matrices whose numbers are known.
        """
        return matrix_operands(self.circuit.jaxpr)

    def shots(self, values: Sequence[np.ndarray]) -> list[Shot]:
        """Return a module for each draw, for these operands.

        Args:
            values: the operands; those that no matrix is made of may be others when a
                module is emitted.
        """
        known = {place: values[place] for place in self.fixed}
        key = tuple(value.tobytes() for value in known.values())
        found = self._shots.get(key)
        if found is None:
            plan, constants = self, ()
            if known:
                jaxpr, constants = folded(self.circuit.jaxpr, known)
                plan = ShotPlan(replace(self.circuit, jaxpr=jaxpr))
            found = [_imported(plan, draw, constants) for draw in plan.draws]
            self._shots[key] = found
        return found

    @cached_property
    def _shots(self) -> Recent[Any, list[Shot]]:
        return Recent()

    def draw_of(self, eqn: JaxprEqn) -> Draw:
        """Return the draw that answers a measurement; the first has the records."""
        if eqn.primitive.name not in SAMPLED:
            return self.draws[0]
        wanted = axes_of(eqn.params, eqn.invars)
        return next(draw for draw in self.draws if draw.covers(wanted))


@dataclass
class _Measuring:
    """Measures what a draw asks for, at the first terminal that it answers."""

    plan: ShotPlan
    draw: Draw
    bits: list[SSAValue] = field(default_factory=list[SSAValue])
    wires: dict[int, int] = field(default_factory=dict[int, int])
    columns: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    shapes: dict[int, tuple[int, ...]] = field(
        default_factory=dict[int, tuple[int, ...]]
    )
    number: int = 0

    def terminal(self, importer: Importer, eqn: Any, inputs: Sequence[Value]) -> Value:
        """Import a terminal measurement, if it belongs to the draw."""
        number, self.number = self.number, self.number + 1
        own = self.plan.draw_of(self.plan.terminals[number]) is self.draw
        if eqn.primitive.name in STATES:
            # What reads all qubits keeps all gates, and nothing is written for it.
            counts = ShapedArray((3,), np.dtype(np.int64))
            add_measurement(importer, "quantum_resources", {}, inputs, counts)
        elif own:
            sampled = eqn.primitive.name in SAMPLED
            read = self._sampled if sampled else self._recorded
            self.columns[number] = read(importer, eqn, inputs)
            shape = (len(self.columns[number]),) if sampled else inputs[0].shape
            self.shapes[number] = tuple(shape)
        aval = eqn.outvars[0].aval
        return importer.constant(np.zeros(aval.shape, aval.dtype))

    def _sampled(self, importer: Importer, eqn: Any, inputs: Any) -> list[int]:
        if not self.wires:
            readout = readout_of(importer, eqn, inputs)
            change_basis(importer, self.draw.axes, readout.unitary, inverse=False)
            qubits = qubits_of(importer)
            line = importer.location(eqn)
            for wire in self.draw.axes:
                op = quantum.MeasureOp(qubits.extract(wire), line=line)
                importer.insert(op)
                qubits.put(wire, op.out_qubit)
                self.wires[wire] = len(self.bits)
                self.bits.append(op.outcome)
        return [self.wires[wire] for wire in eqn.params["wires"]]

    def _recorded(self, importer: Importer, _: Any, inputs: Any) -> list[int]:
        (value,) = inputs
        first = len(self.bits)
        for place in np.ndindex(*value.shape):
            indices = [importer.index_constant(n) for n in place]
            self.bits.append(importer.element(value, indices))
        return list(range(first, first + prod(value.shape)))


def _imported(plan: ShotPlan, draw: Draw, constants: Sequence[Any]) -> Shot:
    """Import one draw of a circuit, for the gates and edges of its device."""
    extensions.load()
    circuit = plan.circuit
    outlined = OutlinedFunctions()
    importer = Importer(ENTRY, frozenset(), outlined)
    gates = without_dead_code(circuit.jaxpr.replace(outvars=[]))
    consts: Sequence[Any] = ()
    target = find_target(circuit.device)
    if getattr(target.language, "has_subroutines", False):
        closed = reroll(ClosedJaxpr(gates, ()), loops=False)
        gates, consts = closed.jaxpr, closed.consts
        outlined.count(gates)
    avals = [physical_aval(var.aval) for var in circuit.jaxpr.invars]
    types = [memref_type(aval.shape, aval.dtype) for aval in avals]
    measuring = _Measuring(plan, draw)
    with importer.function(ENTRY, types) as function:
        inputs = [
            importer.constant(np.asarray(constants[place]))
            if place < len(constants)
            else importer.argument(buffer, avals[place])
            for place, buffer in enumerate(function.body.block.args)
        ]
        begin(
            importer,
            circuit.num_wires,
            circuit.dtype,
            terminal=measuring.terminal,
            target=target,
            passes=circuit.passes,
            name=circuit.name,
            labels=circuit.labels,
        )
        importer.evaluate(gates, consts, inputs)
        end(importer)
        importer.insert(func.ReturnOp(*measuring.bits))
        kinds = [bit.type for bit in measuring.bits]
        function.properties["function_type"] = FunctionType.from_lists(types, kinds)
    module = importer.module
    lines = [StringAttr(str(line)) for line in importer.locations]
    module.attributes[LINES] = ArrayAttr(lines)
    try:
        compile_circuits(module, importer.circuit_passes)
    except PassError as error:
        raise UnsupportedError(str(error)) from error
    return Shot(module, constants, measuring.columns, measuring.shapes)
