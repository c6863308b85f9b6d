"""Gates as passes see them: names, wires and parameters."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from xdsl.ir import Operation, SSAValue

from qjit.dialects.gates import CONTROLLED, GATES, GateRecord, find_gate
from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.spelling import read_spelling, spelled
from qjit.dialects.quantum import GateOp, StatePrepOp, UnitaryOp
from qjit.dialects.quantum.gates import Controllable, PassThrough
from qjit.runtime.recent import MOST

from .angles import PERIOD, reduced
from .parameters import ParameterExpression, parameter


@dataclass(frozen=True, init=False)
class Gate:
    """A gate on wires: its controls first, then its targets.

    `static` is what the gate has besides parameters: a Pauli word, a dimension. It may
    be under more controls than those of its name, each of which fires on its value.
    """

    name: str
    wires: tuple[Any, ...]
    params: tuple[ParameterExpression, ...]
    adjoint: bool
    static: Mapping[str, Any] = field(hash=False)
    controls: tuple[Any, ...]
    control_values: tuple[int, ...]
    line: int | None = field(compare=False)

    def __init__(
        self,
        name: str,
        wires: Hashable | Sequence[Hashable],
        *params: Any,
        adjoint: bool = False,
        static: Mapping[str, Any] | None = None,
        controls: Sequence[Hashable] = (),
        control_values: Sequence[int] | None = None,
        line: int | None = None,
    ) -> None:
        """Make a gate of a name, on one wire or several, at these parameters."""
        on = tuple(wires) if isinstance(wires, list | tuple | range) else (wires,)
        values = (1,) * len(controls) if control_values is None else control_values
        # A frozen dataclass sets attributes slowly, one by one.
        self.__dict__.update(
            name=name,
            wires=on,
            params=tuple(map(_angle, params)),
            adjoint=adjoint,
            static=dict(static) if static else {},
            controls=tuple(controls),
            control_values=tuple(map(int, values)),
            line=line,
        )

    @cached_property
    def record(self) -> GateRecord:
        """The record of the gate's name."""
        found = find_gate(self.name)
        if found is None:
            raise ValueError(f"there is no gate '{self.name}'")
        return found

    @property
    def angle(self) -> ParameterExpression:
        """The only parameter."""
        (only,) = self.params
        return only

    @property
    def num_controls(self) -> int:
        """How many of the wires are controls."""
        record = self.record
        if record.num_controls is not None:
            return record.num_controls
        return len(self.wires) - (record.num_targets or 1)

    @property
    def all_wires(self) -> tuple[Any, ...]:
        """The wires, after those of further controls."""
        return self.controls + self.wires

    @property
    def base(self) -> str:
        """The name of the gate without controls."""
        return self.record.base or self.record.name

    @property
    def all_controls(self) -> tuple[Any, ...]:
        """The wires of all controls, those of the name last."""
        return self.controls + self.wires[: self.num_controls]

    @property
    def all_control_values(self) -> tuple[int, ...]:
        """The values on which all controls fire."""
        return self.control_values + (1,) * self.num_controls

    @property
    def targets(self) -> tuple[Any, ...]:
        """The wires that are no controls."""
        return self.wires[self.num_controls :]

    def at(self, *params: Any) -> Gate:
        """Return the same gate at other parameters."""
        return self._with(params=tuple(map(parameter, params)))

    def on(self, wires: Mapping[Any, Any]) -> Gate:
        """Return the same gate, where each wire is another."""
        on = tuple(wires[wire] for wire in self.wires)
        controls = tuple(wires[wire] for wire in self.controls)
        if on == self.wires and controls == self.controls:
            return self
        return self._with(wires=on, controls=controls)

    def under(self, controls: Sequence[Any], values: Sequence[int]) -> Gate:
        """Return the same gate under other controls, which fire on these values."""
        return controlled_gate(
            self.base,
            controls,
            self.targets,
            *self.params,
            control_values=values,
            adjoint=self.adjoint,
            static=self.static,
            line=self.line,
        )

    def copy(self) -> Gate:
        """Return the gate, which may stand at several places."""
        return self

    def inverse(self) -> Gate:
        """Return the gate that undoes it, without the adjoint flag where possible."""
        if self.adjoint:
            return self._with(adjoint=False)
        if self.record.self_adjoint:
            return self
        params = self.record.adjoint(self.params)
        if params is None:
            return self._with(adjoint=True)
        return self.at(*params)

    def _with(self, **changes: Any) -> Gate:
        fields: dict[str, Any] = {
            "name": self.name,
            "wires": self.wires,
            "adjoint": self.adjoint,
            "static": self.static,
            "controls": self.controls,
            "control_values": self.control_values,
            "line": self.line,
        } | changes
        params = fields.pop("params", self.params)
        return Gate(fields.pop("name"), fields.pop("wires"), *params, **fields)

    def matrix(self, numbers: Mapping[SSAValue, float]) -> ComplexMatrix:
        """Return the matrix on all wires, where values of the IR are these numbers.

        It is not to be written to, because equal gates share it.
        """
        known = [param.known for param in self.params]
        angles = tuple(
            param.at(numbers) if number is None else number
            for param, number in zip(self.params, known, strict=True)
        )
        static = dict(self.static)
        if "num_targets" in self.record.static:
            static["num_targets"] = len(self.wires) - self.num_controls
        own = 0 if self.record.num_controls else self.num_controls
        return _matrix(
            self.record.name,
            angles,
            own,
            self.control_values,
            self.adjoint,
            tuple(static.items()),
        )

    def check(self, wires: Sequence[Hashable]) -> None:
        """Raise a ValueError unless it is a gate that can stand on such wires."""
        record = self.record
        if record.definition is None:
            raise ValueError(f"{record.name} has no matrix of its own")
        if len(self.params) != record.num_params:
            raise ValueError(
                f"{record.name} takes {record.num_params} parameters, but got "
                f"{len(self.params)}"
            )
        if record.num_wires not in (None, 0, len(self.wires)):
            raise ValueError(
                f"{record.name} acts on {record.num_wires} wires, but got "
                f"{len(self.wires)}"
            )
        if len(set(self.all_wires)) != len(self.all_wires):
            raise ValueError(f"{record.name} has a wire twice")
        if unknown := set(self.all_wires) - set(wires):
            raise ValueError(
                f"{record.name} is on wires {', '.join(sorted(map(str, unknown)))}, "
                "which the gates that it stands for do not have"
            )

    def text(self, names: Mapping[SSAValue, str]) -> str:
        """Return the gate as one writes it."""
        angles = ", ".join(param.text(names) for param in self.params)
        static = "".join(f" {value}" for value in self.static.values())
        mark = "adjoint " if self.adjoint else ""
        on = ", ".join(map(str, self.wires))
        pairs = zip(self.controls, self.control_values, strict=True)
        under = ", ".join(f"{wire}={value}" for wire, value in pairs)
        end = f" where {under}" if under else ""
        return f"{mark}{self.record.name}({angles}){static} on {on}{end}"


def _angle(value: Any) -> ParameterExpression:
    """Return a parameter, where a number is small enough to be added to others."""
    found = value if isinstance(value, ParameterExpression) else parameter(value)
    if isinstance(found.leaf, float) and not -PERIOD <= found.leaf <= PERIOD:
        return parameter(reduced(found.leaf, PERIOD)[0])
    return found


@lru_cache(MOST)
def _matrix(
    name: str,
    angles: tuple[float, ...],
    num_controls: int,
    control_values: tuple[int, ...],
    adjoint: bool,
    static: tuple[tuple[str, Any], ...],
) -> ComplexMatrix:
    """Return the matrix of a gate, those of its further controls first."""
    own = {"num_controls": num_controls} if num_controls else {}
    found = GATES[name].full_matrix(angles, **own, **dict(static))
    for value in reversed(control_values):
        full = np.eye(2 * len(found), dtype=np.complex128)
        place = slice(value * len(found), (value + 1) * len(found))
        full[place, place] = found
        found = full
    if adjoint:
        found = found.conj().T
    found = np.ascontiguousarray(found)
    found.flags.writeable = False
    return found


def named_gate(name: str, wires: Hashable | Sequence[Hashable]) -> Gate:
    """Return a gate without parameters by its name, "adjoint(S)" for an adjoint."""
    bare, adjoint = read_spelling(name)
    return Gate(bare, wires, adjoint=adjoint)


def name_of(gate: Gate) -> str:
    """Return the name by which `named_gate` finds a gate."""
    return spelled(gate.name, gate.adjoint)


def controlled_gate(
    base: str,
    controls: Sequence[Hashable],
    targets: Sequence[Hashable],
    *params: Any,
    control_values: Sequence[int] | None = None,
    **options: Any,
) -> Gate:
    """Return a gate under controls, by the name that both together have, if any.

    Args:
        base: the name of the gate without controls.
        controls: the wires of the controls.
        targets: the wires of the gate.
        params: the parameters.
        control_values: the values on which the controls fire, 1 by default.
        options: the adjoint flag, `static` and the line, as `Gate` has them.
    """
    name = CONTROLLED.get((base, len(controls)))
    if name is not None and (control_values is None or all(control_values)):
        return Gate(name, (*controls, *targets), *params, **options)
    options |= {"controls": controls, "control_values": control_values}
    return Gate(base, tuple(targets), *params, **options)


def read_gate(op: GateOp, wires: Mapping[SSAValue, Any]) -> Gate:
    """Return the gate that an operation is, given the wires of its qubits."""
    params, _, targets, controls = op.groups
    properties = op.properties
    record = GATES[op.gate.data]
    static: Mapping[str, Any] = {}
    if "word" in properties or "dim" in properties:
        static = {k: v for k, v in op.static.items() if k != "num_targets"}
    return controlled_gate(
        record.base or record.name,
        [wires[qubit] for qubit in controls],
        [] if record.num_targets == 0 else [wires[qubit] for qubit in targets],
        *params,
        control_values=op.control_pattern if "control_values" in properties else None,
        adjoint="adjoint" in properties,
        static=static,
        line=line_number([op]),
    )


def is_differentiated(op: Operation) -> bool:
    """Tell whether the adjoint method differentiates by what an operation is given."""
    match op:
        case GateOp():
            return len(op.slots) > 0
        case UnitaryOp() | StatePrepOp():
            return op.slot is not None
        case _:
            return False


def line_number(ops: Sequence[Controllable | PassThrough]) -> int | None:
    """Return the number of the user's line of operations, the first that is known."""
    for op in ops:
        if "line" in op.properties and op.line is not None:
            return op.line.value.data
    return None


def write_gate(
    gate: Gate,
    qubits: dict[Any, SSAValue],
    insert: Callable[[Operation], Any],
    line: int | None = None,
    numbers: dict[float, SSAValue] | None = None,
) -> GateOp:
    """Insert the operation of a gate, and put its results in the place of its qubits.

    Args:
        gate: the gate.
        qubits: the qubit of each wire, changed in place. A gate without wires passes
            one of them through.
        insert: inserts an operation.
        line: the number of the line, if the gate has none.
        numbers: the values of numbers that are parameters, changed in place.
    """
    wires = gate.all_wires or (next(iter(qubits)),)
    split = len(gate.all_controls)
    op = GateOp(
        gate.record.name,
        [qubits[wire] for wire in wires[split:]],
        params=[param.emit(insert, numbers) for param in gate.params],
        controls=[qubits[wire] for wire in wires[:split]],
        control_values=gate.all_control_values if 0 in gate.control_values else None,
        adjoint=gate.adjoint,
        word=gate.static.get("pauli_word"),
        dim=gate.static.get("dim"),
        line=line if gate.line is None else gate.line,
    )
    insert(op)
    qubits |= zip(wires, op.controls_first(split), strict=True)
    return op
