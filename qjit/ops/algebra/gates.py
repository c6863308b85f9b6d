"""Gates of the table as operators."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from qjit.dialects.gates import GATES, GateRecord
from qjit.lowering.jaxpr.primitives import gate_p
from qjit.ops.algebra.traced_wires import on_traced_wires
from qjit.tracing.context import current
from qjit.tracing.wires import Wire, check_distinct, is_traced, positions

from . import linear_form as forms
from .linear_form import LinearForm
from .operator import UNCHANGED, Modifiers, Operator, number_text
from .pauli import backend

PAULI_NAMES = frozenset("IXYZ")


@dataclass(frozen=True, eq=False, repr=False)
class Gate(Operator):
    """A gate of the table, perhaps inverted and with more controls.

    `word` is the Pauli word of a PauliRot and `dim` the size of a PCPhase.
    """

    traced: ClassVar = ("angles",)
    labelled: ClassVar = ("controls", "targets")

    record: GateRecord
    angles: tuple[Any, ...] = ()
    controls: tuple[Wire, ...] = ()
    targets: tuple[Wire, ...] = ()
    control_values: tuple[bool, ...] = ()
    inverted: bool = False
    word: str | None = None
    dim: int | None = None

    @property
    def name(self) -> str:
        """The gate's name, with `C(...)` for more controls than its own."""
        name = self.record.name
        more = len(self.controls) != (self.record.num_controls or 0)
        if more or not all(self.control_values):
            name = f"C({self._base_name})"
        return f"Adjoint({name})" if self.inverted else name

    @property
    def _base_name(self) -> str:
        return self.record.base or self.record.name

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The controls, then the targets."""
        return (*self.controls, *self.targets)

    @property
    def parameters(self) -> list[Any]:
        """The angles."""
        return list(self.angles)

    @property
    def is_unitary(self) -> bool:
        """Whether it can be applied: every gate can."""
        return True

    def changed(self, change: Modifiers) -> "Gate":
        """Return the gate inverted, or with more controls."""
        own = Modifiers(self.inverted, self.controls, self.control_values)
        adjoint, controls, values = own.then(change)
        check_distinct((*controls, *self.targets), "controls and targets")
        if self.record.self_adjoint:
            adjoint = False
        return replace(self, inverted=adjoint, controls=controls, control_values=values)

    def bind(self, change: Modifiers = UNCHANGED) -> None:
        """Put the gate into the circuit under trace."""
        gate = self if change is UNCHANGED else self.changed(change)
        context = current(self.record.name)
        static, dynamic = positions(gate.wires, context)
        gate_p.bind(
            *gate.angles,
            *dynamic,
            gate=gate.record.name,
            wires=static,
            num_controls=len(gate.controls),
            control_values=gate.control_values,
            adjoint=gate.inverted,
            word=gate.word,
            dim=gate.dim,
            sites=context.sites,
        )

    def on(self, wires: Sequence[Wire]) -> "Gate":
        """Return the gate on other wires."""
        count = len(self.controls)
        return replace(
            self, controls=tuple(wires[:count]), targets=tuple(wires[count:])
        )

    @property
    def static(self) -> dict[str, Any]:
        """What the gate's matrix depends on besides the angles."""
        known = {
            "pauli_word": self.word,
            "dim": self.dim,
            "num_targets": len(self.targets),
        }
        return {name: known[name] for name in self.record.static}

    def target_matrix(self) -> Any:
        """Return the matrix on the targets, where all controls have their values."""
        xp = backend(*self.angles)
        angles = xp.stack([xp.asarray(a) for a in self.angles]) if self.angles else 0
        matrix: Any = 0
        for frequency, coefficient in self.record.harmonics(**self.static).items():
            phase = xp.exp(1j * xp.sum(np.asarray(frequency) * angles))
            matrix = matrix + phase * coefficient
        return xp.conj(matrix).T if self.inverted else matrix

    def own_matrix(self) -> Any:
        """Return the matrix on the controls, then the targets."""
        return controlled_matrix(self.target_matrix(), self.control_values)

    def linear_form(self) -> LinearForm:
        """Return the gate as Pauli words."""
        if any(map(is_traced, self.wires)):
            return on_traced_wires(self.wires, lambda on: self.on(on).linear_form())
        if is_pauli(self):
            letter = self.record.name
            if letter == "I":
                return forms.identity()
            return forms.of_letter(letter, self.targets[0])
        return super().linear_form()

    def text(self) -> str:
        """Return the gate as a call of its function."""
        plain = self.name == self.record.name and len(self.wires) == 1
        if plain and not self.angles:
            return f"{self.name}({self.targets[0]!r})"
        shown = [number_text(angle) for angle in self.angles]
        shown += [repr(x) for x in (self.word, self.dim) if x is not None]
        if self.control_values and not all(self.control_values):
            shown.append(f"control_values={[*map(int, self.control_values)]}")
        return f"{self.name}({', '.join([*shown, f'wires={list(self.wires)}'])})"


def controlled_matrix(matrix: Any, values: Sequence[bool]) -> Any:
    """Return a matrix under controls, whose wires come before its own."""
    if not values:
        return matrix
    size = len(matrix)
    place = sum(bool(value) << n for n, value in enumerate(reversed(values))) * size
    whole = np.eye(size << len(values), dtype=complex)
    if backend(matrix) is np:
        whole[place : place + size, place : place + size] = matrix
        return whole
    block = backend(matrix).asarray(whole)
    return block.at[place : place + size, place : place + size].set(matrix)


def is_pauli(operator: Operator) -> bool:
    """Tell whether an operator is X, Y, Z or an identity on static wires."""
    return (
        isinstance(operator, Gate)
        and operator.record.name in PAULI_NAMES
        and not operator.controls
        and not any(map(is_traced, operator.targets))
    )


def identity_on(wires: Sequence[Wire]) -> Gate:
    """Return the identity on some wires."""
    return Gate(GATES["I"], targets=tuple(wires))


def global_phase(phi: Any) -> Gate:
    """Return the multiplication by e^{-i phi}."""
    return Gate(GATES["GlobalPhase"], (phi,))
