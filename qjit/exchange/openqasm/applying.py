"""Gates, measurements and other operations on qubits of an OpenQASM program."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import jax.numpy as jnp
from jax.core import Tracer

from qjit.errors import QasmError, QJitError
from qjit.measurements.measurements import measure, reset
from qjit.ops.modifiers import adjoint, ctrl
from qjit.ops.modifiers import pow as power
from qjit.ops.variadic_gates import GlobalPhase, barrier, delay

from .branching import Branching
from .classical_types import BIT, FLOAT, Type, Value
from .gate_names import BUILT_IN, FILE_NAMES, FILES, NamedGate
from .scopes import Definition, Frame, Qubits, Variable, kind_of

Modifier = tuple[str, Any]


class Gate(NamedTuple):
    """What applies a gate to wires, and whether that is one operator."""

    apply: Callable[[list[Any]], Any]
    single: bool


class Applying(Branching):
    """What applies gates and measures."""

    opaque: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()

    def apply_gate(self, node: Any) -> None:
        """Apply a gate, once for each qubit of registers."""
        name = node.name.name
        found = self.look_up(node, name)
        if found is None and name == "nop":
            return
        if node.duration is not None:
            self.fail(node, "durations of gates are not supported.")
        modifiers = [self._modifier(each) for each in node.modifiers]
        angles = [self.angle(each) for each in node.arguments]
        gate, counts = self._gate(node, name, found, angles)
        if len(angles) != counts[0]:
            self.fail(
                node, f"{name} takes {counts[0]} parameters, but got {len(angles)}."
            )
        controls = sum(n for kind, n in modifiers if kind in ("ctrl", "negctrl"))
        operands = [self.qubits(each) for each in node.qubits]
        if len(operands) != counts[1] + controls:
            wanted = counts[1] + controls
            self.fail(node, f"{name} takes {wanted} qubits, but got {len(operands)}.")
        for wires in self._broadcast(node, operands):
            self.apply(node, modifiers, gate, wires)

    def apply_phase(self, node: Any) -> None:
        """Apply a global phase, perhaps under controls."""
        modifiers = [self._modifier(each) for each in node.modifiers]
        phase = self.angle(node.argument)
        operands = [self.qubits(each) for each in node.qubits]
        controls = sum(n for kind, n in modifiers if kind in ("ctrl", "negctrl"))
        if len(operands) != controls:
            self.fail(
                node, f"gphase takes {controls} qubits here, but got {len(operands)}."
            )
        for wires in self._broadcast(node, operands):
            self.apply(
                node, modifiers, Gate(lambda _: GlobalPhase(-phase), True), wires
            )

    def angle(self, node: Any) -> Any:
        """Return the number of radians that an expression stands for."""
        value = self.value(node)
        if value.type.kind == "angle":
            return value.data
        found = self.as_type(node, value, FLOAT).data
        if isinstance(found, float) and not abs(found) < float("inf"):
            self.fail(node, f"an angle is finite, but got {found}.")
        return found

    def _modifier(self, node: Any) -> Modifier:
        kind = node.modifier.name
        if kind == "pow":
            return kind, self._exponent(node)
        if kind == "inv":
            return kind, None
        if node.argument is None:
            return kind, 1
        count = self.constant_integer(node.argument, "the number of controls")
        if not 0 < count <= 64:
            self.fail(node, f"a gate has 1 to 64 controls here, but got {count}.")
        return kind, count

    def _exponent(self, node: Any) -> float | int:
        """Return the argument of pow, in which integers are divided exactly."""
        frame = self.frame
        frame.in_exponent = True
        try:
            value = self.value(node.argument)
        finally:
            frame.in_exponent = False
        value = self.as_type(node, value, FLOAT)
        if not value.known:
            self.fail(node, "the exponent of a gate must be known.")
        if not abs(value.data) < 2**31:
            self.fail(node, f"a gate has no power {value.data} here.")
        return int(value.data) if value.data.is_integer() else value.data

    def _gate(
        self, node: Any, name: str, found: Any, angles: list[Any]
    ) -> tuple[Gate, tuple[int, int]]:
        if isinstance(found, Definition):
            definition = found.node
            if kind_of(definition) != "QuantumGateDefinition":
                self.fail(node, f"{name} is a subroutine. Call it: {name}(...).")
            counts = len(definition.arguments), len(definition.qubits)

            def defined(wires: list[Any]) -> None:
                self._defined(node, definition, angles, wires)

            return Gate(defined, False), counts
        named = self._named_gate(name)
        if named is None:
            self._fail_unknown(node, name, found)
        counts = named.angles, named.qubits
        return Gate(lambda wires: named.apply(*angles, *wires), named.single), counts

    def _named_gate(self, name: str) -> NamedGate | None:
        for file in self.files:
            if name in FILES[file]:
                return FILES[file][name]
        return BUILT_IN[self.legacy].get(name)

    def _fail_unknown(self, node: Any, name: str, found: Any) -> NoReturn:
        if name in self.opaque:
            self.fail(node, f"{name} is opaque, so that nothing tells what it does.")
        if found is not None:
            self.fail(node, f"{name} is no gate.")
        file = FILE_NAMES[self.legacy]
        remedy = f'Write include "{file}"; at the beginning'
        if name not in FILES[file] or file in self.files:
            remedy = "Define it, as in gate f(a) q { U(a, 0, 0) q; }"
        self.fail(node, f"the gate {name} is not defined. {remedy}.")

    def _defined(
        self, node: Any, definition: Any, angles: list[Any], wires: list[Any]
    ) -> None:
        """Apply a gate that the program defines."""
        name = definition.name.name
        if any(frame.callee == name for frame in self.frames):
            self.fail(node, f"the gate {name} applies itself.")
        scope: dict[str, Any] = {}
        for argument, angle in zip(definition.arguments, angles, strict=True):
            scope[argument.name] = Variable(FLOAT, angle, constant=True)
        for qubit, wire in zip(definition.qubits, wires, strict=True):
            scope[qubit.name] = Qubits((wire,), True)
        if len(scope) != len(definition.arguments) + len(definition.qubits):
            self.fail(definition, f"the gate {name} has two operands of one name.")
        self.frames.append(Frame([scope, {}], callee=name, in_gate=True))
        depth = len(self.frames)
        try:
            self.execute(definition.body)
        finally:
            del self.frames[depth - 1 :]

    def _broadcast(self, node: Any, operands: Sequence[Qubits]) -> list[list[Any]]:
        """Return the wires of each application of a gate to registers."""
        lengths = {len(each.wires) for each in operands if not each.single}
        if len(lengths) > 1:
            sizes = " and ".join(map(str, sorted(lengths)))
            self.fail(node, f"registers of {sizes} qubits do not fit together.")
        applications = [
            [each.wires[0 if each.single else k] for each in operands]
            for k in range(lengths.pop() if lengths else 1)
        ]
        for wires in applications:
            known = [wire for wire in wires if not isinstance(wire, Tracer)]
            if len(set(map(int, known))) != len(known):
                self.fail(node, "a qubit is used twice by one operation.")
        return applications

    def apply(
        self, node: Any, modifiers: Sequence[Modifier], gate: Gate, wires: list[Any]
    ) -> None:
        """Apply a gate under modifiers; what qjit refuses is refused with its place."""
        try:
            _modified(modifiers, gate, wires)
        except QasmError:
            raise
        except QJitError as error:
            self.fail(node, _without_line(str(error)))

    # Measurements and others

    def measured(self, node: Any) -> Value:
        """Measure a qubit or a register of qubits."""
        if self.frame.in_gate:
            self.fail(node, "a gate does not measure.")
        found = self.qubits(node)
        outcomes = [_bit(measure(wire)) for wire in found.wires]
        if found.single:
            return Value(BIT, outcomes[0])
        return Value(Type("bit", len(outcomes)), jnp.stack(outcomes))

    def apply_reset(self, node: Any) -> None:
        """Bring qubits to |0>."""
        if self.frame.in_gate:
            self.fail(node, "a gate does not reset.")
        for wire in self.qubits(node.qubits).wires:
            reset(wire)

    def apply_barrier(self, node: Any) -> None:
        """Keep gates on their side."""
        wires = [w for each in node.qubits for w in self.qubits(each).wires]
        self.apply(node, [], Gate(barrier, False), wires)

    def apply_delay(self, node: Any) -> None:
        """Let qubits idle."""
        duration = self.value(node.duration)
        if duration.type.kind != "duration" or not duration.known:
            self.fail(node, "a delay takes a known duration, such as 10ns.")
        wires = [w for each in node.qubits for w in self.qubits(each).wires]
        self.apply(node, [], Gate(lambda on: delay(duration.data, on), False), wires)


def _modified(modifiers: Sequence[Modifier], gate: Gate, wires: list[Any]) -> Any:
    """Apply a gate under modifiers, the first outermost, and return its operator.

    What is no single operator is a function to the modifiers.
    """
    if not modifiers:
        return gate.apply(wires)
    (kind, argument), *rest = modifiers
    if kind not in ("ctrl", "negctrl"):
        change = adjoint if kind == "inv" else lambda inner: power(inner, argument)
        return _changed(change, rest, gate, wires)
    controls, values = wires[:argument], [kind == "ctrl"] * argument

    def controlled(inner: Any) -> Any:
        return ctrl(inner, control=controls, control_values=values)

    return _changed(controlled, rest, gate, wires[argument:])


def _changed(
    change: Callable[[Any], Any],
    modifiers: Sequence[Modifier],
    gate: Gate,
    wires: list[Any],
) -> Any:
    if gate.single:
        return change(_modified(modifiers, gate, wires))
    change(lambda: _modified(modifiers, gate, wires))()
    return None


def _bit(outcome: Any) -> Any:
    """Return an outcome as a boolean, also where it is traced as an integer."""
    return outcome if outcome.dtype == bool else outcome != 0


def _without_line(message: str) -> str:
    """Return a message of qjit without the line of Python that it begins with."""
    _, separator, rest = message.partition(": ")
    return rest if separator else message
