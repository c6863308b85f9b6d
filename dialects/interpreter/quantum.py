"""The executable definition of the `quantum` dialect: slow, obvious, in numpy.

A register is an array with one axis per qubit, and a qubit is the number of its axis.
Values are used once, so that operations may change the register they are given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)
from xdsl.ir import Operation
from xdsl.utils.exceptions import InterpretationError

from qjit.dialects import quantum
from qjit.dialects.gates import GATES
from qjit.dialects.gates.record import PAULIS, pauli_matrix
from qjit.dialects.quantum.linearity import place
from qjit.dialects.quantum.measurements import ShotReadout, Statistic
from qjit.dialects.statevector import dialect

from .branching import LEAST, PathFunctions
from .classical import interpreter_of

Array = NDArray[np.complex128]
Real = NDArray[np.float64]

Watch = Callable[[quantum.GateOp, Sequence[float], Sequence[int]], None]


def run_module(
    module: ModuleOp,
    inputs: Sequence[Any],
    *,
    function: str = "main",
    seed: int | None = None,
    functions: Sequence[InterpreterFunctions] = (),
    watch: Watch | None = None,
    definition: Callable[..., InterpreterFunctions] | None = None,
) -> tuple[Any, ...]:
    """Run a function of a module on numbers and arrays, and return what it returns.

    Operations of other dialects mean what `functions` say. Each gate is shown to
    `watch`, with its parameters and the wires of its qubits. The quantum operations
    mean what `definition` says, if it is given.
    """
    interpreter = interpreter_of(module, functions)
    generator = np.random.default_rng(seed)
    paths = PathFunctions(generator)
    interpreter.register_implementations(paths)
    quantum_functions = definition or QuantumFunctions
    interpreter.register_implementations(quantum_functions(generator, paths, watch))
    return interpreter.call_op(function, tuple(inputs))


@dataclass
class Register:
    """A state with one axis per qubit, and the axis that stands for each wire."""

    state: Array
    axes: list[int]

    def by_wire(self) -> Array:
        """Return the state with the wires in order."""
        return self.state.transpose(self.axes)

    def set_by_wire(self, state: Array) -> None:
        """Replace the state by one with the wires in order."""
        self.state = state.reshape(self.state.shape).transpose(np.argsort(self.axes))

    def apply(
        self, matrix: Array, targets: Sequence[int], controls: Mapping[int, int]
    ) -> None:
        """Multiply the targets' axes by a matrix where the controls have values."""
        moved = [*controls, *targets]
        front = range(len(moved))
        state = np.moveaxis(self.state, moved, front).copy()
        block = state[tuple(controls.values())]
        state[tuple(controls.values())] = (
            matrix @ block.reshape(len(matrix), -1)
        ).reshape(block.shape)
        self.state = np.moveaxis(state, front, moved)


class Qubit(NamedTuple):
    """An axis of a register."""

    register: Register
    axis: int


def matrix_on(state: Array, matrix: Array, wires: Sequence[int]) -> Array:
    """Multiply some wires of a state, whose axes are in order, by a matrix."""
    register = Register(state, list(range(state.ndim)))
    register.apply(matrix, wires, {})
    return register.state


def probabilities(state: Array, wires: Sequence[int]) -> Real:
    """Return the probability of each outcome of measuring some wires."""
    front = np.moveaxis(state, wires, range(len(wires)))
    return (np.abs(front.reshape(2 ** len(wires), -1)) ** 2).sum(axis=1)


@register_impls
class QuantumFunctions(InterpreterFunctions):
    """One method per operation of the dialect."""

    def __init__(
        self,
        generator: np.random.Generator,
        paths: PathFunctions,
        watch: Watch | None = None,
    ) -> None:
        self.generator, self.trees, self.watch = generator, paths.trees, watch
        self.own_seed = generator.bit_generator.seed_seq.generate_state(1, np.uint64)
        self.executions = 0

    @impl(quantum.AllocOp)
    def run_alloc(
        self, interpreter: Interpreter, op: quantum.AllocOp, args: PythonValues
    ) -> PythonValues:
        """Make |0...0>."""
        size = op.register.type.size.data
        state = np.zeros((2,) * size, np.complex128)
        state[(0,) * size] = 1
        return (self.register(state),)

    def register(self, state: Array) -> Register:
        """Return a register in a state, the first wire most significant."""
        return Register(state, list(range(state.ndim)))

    @impl(quantum.DeallocOp)
    def run_dealloc(
        self, interpreter: Interpreter, op: quantum.DeallocOp, args: PythonValues
    ) -> PythonValues:
        """Do nothing."""
        return ()

    @impl(quantum.ExtractOp)
    def run_extract(
        self, interpreter: Interpreter, op: quantum.ExtractOp, args: PythonValues
    ) -> PythonValues:
        """Look up the wire's axis."""
        register = args[0]
        return (Qubit(register, register.axes[_wire(op, args)]),)

    @impl(quantum.InsertOp)
    def run_insert(
        self, interpreter: Interpreter, op: quantum.InsertOp, args: PythonValues
    ) -> PythonValues:
        """Let the qubit's axis stand for the wire."""
        register, qubit = args[0], args[-1]
        register.axes[_wire(op, args)] = qubit.axis
        return (register,)

    @impl(quantum.GateOp)
    def run_gate(
        self, interpreter: Interpreter, op: quantum.GateOp, args: PythonValues
    ) -> PythonValues:
        """Multiply by the matrix of the gate's record."""
        record = GATES[op.gate.data]
        matrix = record.matrix(args[: len(op.params)], **op.static)
        qubits = args[len(op.params) + len(op.slots) :]
        if self.watch is not None:
            axes = [qubit.axis for qubit in qubits]
            self.watch(op, args[: len(op.params)], axes)
        targets = qubits[: len(op.targets)] if record.num_targets != 0 else ()
        _apply(op, matrix, targets, qubits[len(op.targets) :], qubits)
        return qubits

    @impl(quantum.UnitaryOp)
    def run_unitary(
        self, interpreter: Interpreter, op: quantum.UnitaryOp, args: PythonValues
    ) -> PythonValues:
        """Multiply by the matrix, or by the diagonal."""
        matrix, qubits = np.asarray(args[0]), args[1 if op.slot is None else 2 :]
        if op.invertible:
            matrix = matrix[0]
        matrix = np.diag(matrix) if op.diagonal else matrix
        targets, controls = qubits[: len(op.targets)], qubits[len(op.targets) :]
        _apply(op, matrix, targets, controls, qubits)
        return qubits

    @impl(quantum.BarrierOp)
    def run_barrier(
        self, interpreter: Interpreter, op: quantum.BarrierOp, args: PythonValues
    ) -> PythonValues:
        """Pass the qubits on."""
        return args

    @impl(quantum.DelayOp)
    def run_delay(
        self, interpreter: Interpreter, op: quantum.DelayOp, args: PythonValues
    ) -> PythonValues:
        """Pass the qubits on."""
        return args

    @impl(quantum.StatePrepOp)
    def run_state_prep(
        self, interpreter: Interpreter, op: quantum.StatePrepOp, args: PythonValues
    ) -> PythonValues:
        """Multiply the state of the other wires by the amplitudes."""
        register, amplitudes = args[0], args[1 + len(op.dynamic_wires)]
        dynamic = args[1 : 1 + len(op.dynamic_wires)]
        wires = dynamic if op.wires is None else op.wires.get_values()
        _prepare(op, register, amplitudes, wires)
        return (register,)

    @impl(quantum.MeasureOp)
    def run_measure(
        self, interpreter: Interpreter, op: quantum.MeasureOp, args: PythonValues
    ) -> PythonValues:
        """Draw an outcome and project on it."""
        postselect = None if op.postselect is None else op.postselect.value.data
        outcome = self._measure(op, args[0], postselect)
        if op.reset is not None and outcome:
            args[0].register.apply(PAULIS["X"], [args[0].axis], {})
        return (bool(outcome), args[0])

    @impl(quantum.PauliMeasureOp)
    def run_pauli_measure(
        self, interpreter: Interpreter, op: quantum.PauliMeasureOp, args: PythonValues
    ) -> PythonValues:
        """Draw an eigenvalue of the product and project on its space."""
        register, axes = args[0].register, [qubit.axis for qubit in args]
        postselect = None if op.postselect is None else op.postselect.value.data
        sign = 1 if op.negative is None else -1
        product = sign * pauli_matrix(op.word.data)
        projectors = [(np.eye(len(product)) + s * product) / 2 for s in (1, -1)]
        weights = [_norm(matrix_on(register.state, each, axes)) for each in projectors]
        outcome = self._choose(op, np.array(weights), postselect)
        scale = np.sqrt(sum(weights) / weights[outcome])
        register.apply(projectors[outcome] * scale, axes, {})
        return (bool(outcome), *args)

    @impl(quantum.ResetOp)
    def run_reset(
        self, interpreter: Interpreter, op: quantum.ResetOp, args: PythonValues
    ) -> PythonValues:
        """Measure, and flip a one."""
        if self._measure(op, args[0], None):
            args[0].register.apply(PAULIS["X"], [args[0].axis], {})
        return args

    def _measure(
        self,
        op: quantum.MeasureOp | quantum.ResetOp,
        qubit: Qubit,
        postselect: int | None,
    ) -> int:
        register, axis = qubit
        found = probabilities(register.state, [axis])
        outcome = self._choose(op, found, postselect)
        projector = np.diag(np.eye(2)[outcome])
        scale = np.sqrt(found.sum() / found[outcome])
        register.apply(projector * scale, [axis], {})
        return outcome

    def _choose(self, op: Operation, found: Real, postselect: int | None) -> int:
        """Draw one of two outcomes of these weights, or take the one of the path."""
        if self.trees:
            outcome = self.trees[-1].decide(found / found.sum(), postselect)
            self.trees[-1].refused |= bool(found[outcome] <= LEAST)
            if self.trees[-1].refused and found[outcome] <= LEAST:
                outcome = 1 - outcome  # the state does not count any more
        else:
            drawn = int(self.generator.random() * found.sum() >= found[0])
            outcome = drawn if postselect is None else postselect
        if found[outcome] <= 0:
            raise InterpretationError(
                f"{place(op)} postselects on an outcome of probability 0"
            )
        return outcome

    @impl(quantum.ExpvalOp)
    def run_expval(
        self, interpreter: Interpreter, op: quantum.ExpvalOp, args: PythonValues
    ) -> PythonValues:
        """Take <psi|H|psi>."""
        return (_moments(op, args)[0],)

    @impl(quantum.VarOp)
    def run_var(
        self, interpreter: Interpreter, op: quantum.VarOp, args: PythonValues
    ) -> PythonValues:
        """Take <psi|H H|psi> - <psi|H|psi>^2."""
        return (_moments(op, args)[1],)

    @impl(quantum.ProbsOp)
    def run_probs(
        self, interpreter: Interpreter, op: quantum.ProbsOp, args: PythonValues
    ) -> PythonValues:
        """Square the amplitudes."""
        args[1][...] = probabilities(args[0].by_wire(), op.measured)
        return ()

    @impl(quantum.StateOp)
    def run_state(
        self, interpreter: Interpreter, op: quantum.StateOp, args: PythonValues
    ) -> PythonValues:
        """Copy the amplitudes."""
        args[1][...] = args[0].by_wire().reshape(-1)
        return ()

    @impl(quantum.DensityMatrixOp)
    def run_density_matrix(
        self, interpreter: Interpreter, op: quantum.DensityMatrixOp, args: PythonValues
    ) -> PythonValues:
        """Trace out the other wires."""
        kept = len(op.measured)
        front = np.moveaxis(args[0].by_wire(), op.measured, range(kept))
        factor = front.reshape(2**kept, -1)
        args[1][...] = factor @ factor.conj().T
        return ()

    @impl(quantum.SampleOp)
    def run_sample(
        self, interpreter: Interpreter, op: quantum.SampleOp, args: PythonValues
    ) -> PythonValues:
        """Write the bits of each outcome drawn."""
        places = np.arange(len(op.measured))[::-1]
        first, end = self.trees[-1].rows if self.trees else (0, len(args[1]))
        drawn = self._draw(op, args[0])[: end - first]
        args[1][first:end] = drawn[:, None] >> places & 1
        return ()

    @impl(quantum.CountsOp)
    def run_counts(
        self, interpreter: Interpreter, op: quantum.CountsOp, args: PythonValues
    ) -> PythonValues:
        """Count the outcomes drawn."""
        args[1][...] = np.bincount(self._draw(op, args[0]), minlength=len(args[1]))
        return ()

    @impl(dialect.SeedOp)
    def run_seed(
        self, interpreter: Interpreter, op: dialect.SeedOp, args: PythonValues
    ) -> PythonValues:
        """Begin the stream of a key."""
        seeded = np.random.default_rng(int(args[0]) & (1 << 64) - 1)
        self.generator.bit_generator.state = seeded.bit_generator.state
        return ()

    @impl(dialect.ExecutionKeyOp)
    def run_execution_key(
        self, interpreter: Interpreter, op: dialect.ExecutionKeyOp, args: PythonValues
    ) -> PythonValues:
        """Make a key of a seed, or of the program's own, and of how many there were."""
        given = None if op.seed is None else op.seed.value.data & (1 << 64) - 1
        seed = int(self.own_seed[0]) if given is None else given
        self.executions += 1
        words = np.random.SeedSequence([seed, self.executions]).generate_state(2)
        return (int(words.view(np.int64)[0]),)

    def _draw(self, op: ShotReadout, register: Register) -> NDArray[np.int64]:
        found = probabilities(register.by_wire(), op.measured)
        return self.generator.choice(
            len(found), size=op.shots.value.data, p=found / found.sum()
        )


def _norm(state: Array) -> float:
    return float(np.vdot(state, state).real)


def _wire(op: quantum.ExtractOp | quantum.InsertOp, args: PythonValues) -> int:
    size = len(args[0].axes)
    wire = args[1] if op.index is None else op.index.value.data
    if not 0 <= wire < size:
        raise InterpretationError(
            f"{place(op)} has wire {wire} of a register of {size} wires"
        )
    return wire


def _apply(
    op: quantum.Controllable,
    matrix: Any,
    targets: Sequence[Qubit],
    controls: Sequence[Qubit],
    qubits: Sequence[Qubit],
) -> None:
    axes = [qubit.axis for qubit in qubits]
    if len(set(axes)) != len(axes):
        raise InterpretationError(f"{place(op)} acts on a wire twice")
    pattern = {
        qubit.axis: value
        for qubit, value in zip(controls, op.control_pattern, strict=True)
    }
    if op.adjoint is not None:
        matrix = matrix.conj().T
    qubits[0].register.apply(matrix, [qubit.axis for qubit in targets], pattern)


def _prepare(
    op: quantum.StatePrepOp, register: Register, amplitudes: Any, wires: Sequence[int]
) -> None:
    axes = [register.axes[wire] for wire in wires]
    front = np.moveaxis(register.state, axes, range(len(axes))).reshape(
        2 ** len(axes), -1
    )
    if np.abs(front[1:]).max(initial=0) > 1e-12:
        raise InterpretationError(f"{place(op)} acts on wires that are not in |0>")
    if not np.isclose(np.linalg.norm(amplitudes), 1):
        raise InterpretationError(f"{place(op)} has amplitudes of norm other than 1")
    prepared = np.outer(amplitudes, front[0]).reshape(register.state.shape)
    register.state = np.moveaxis(prepared, range(len(axes)), axes)


def _moments(op: Statistic, args: PythonValues) -> tuple[float, float]:
    """Return the expectation value and the variance of an observable."""
    register, coefficients, *matrices = args
    state = register.by_wire()
    image = np.zeros_like(state)
    for coefficient, term in zip(coefficients, op.terms, strict=True):
        product = state
        for wire, letter in enumerate(term.word.data):
            product = matrix_on(product, PAULIS[letter], [wire])
        for factor in term.factors:
            matrix = matrices[factor.matrix.data]
            product = matrix_on(product, matrix, factor.wires.get_values())
        image += coefficient * product
    mean = np.vdot(state, image).real
    return float(mean), float(np.vdot(image, image).real - mean**2)
