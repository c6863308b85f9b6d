"""Gate schedules as data: a table of entries, and the values that they need.

The layout of an entry is that of `qjit.runtime.abi.layout`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from xdsl.dialects.builtin import BytesAttr, DenseArrayBase, IntegerType, i32
from xdsl.ir import SSAValue

from qjit.dialects.gates import GATE_INDEX, GATES, Kernel
from qjit.runtime.abi.layout import ENTRY_WORDS, INVERTIBLE, UNITARY

DYNAMIC = -1
# Where a parameter comes from, if not from a buffer: an operand, or the constants.
COMPUTED, CONSTANT = -1, -2
NO_SLOT = -1
LETTERS = "IXYZ"
NAMES = tuple(GATE_INDEX)

# None stands for a wire of a kernel that is known only when the program runs.
WireValue = int | SSAValue | None


@dataclass(frozen=True)
class Entry:
    """One gate of a schedule."""

    kernel: int
    gate: int
    num_params: int
    num_targets: int
    num_controls: int
    wire_offset: int
    control_values: int
    param_offset: int
    adjoint: int
    first: int = 0
    second: int = 0
    location: int = 0

    def words(self) -> list[int]:
        """Return the entry as the runtime reads it."""
        return [*self.__dict__.values()]

    @classmethod
    def table(cls, words: Sequence[int]) -> list["Entry"]:
        """Return the entries of a schedule."""
        starts = range(0, len(words), ENTRY_WORDS)
        return [cls(*words[start : start + ENTRY_WORDS]) for start in starts]

    def moved(self, wires: int, params: int) -> "Entry":
        """Return the entry with its wires and parameters further along."""
        return replace(
            self,
            wire_offset=self.wire_offset + wires,
            param_offset=self.param_offset + params,
        )

    @property
    def is_given(self) -> bool:
        """Whether the gate is a matrix that is given when the program runs."""
        return self.gate in (UNITARY, INVERTIBLE)


def word_array(words: Sequence[int]) -> DenseArrayBase[IntegerType]:
    """Return a table as a property."""
    data = np.asarray(words, np.int64).astype(np.int32).tobytes()
    return DenseArrayBase(i32, BytesAttr(data))


@dataclass(frozen=True)
class Element:
    """An element of a buffer of floats, read when the schedule runs."""

    buffer: SSAValue
    index: int


# None stands for a parameter of a kernel, which is that of no schedule in particular.
Parameter = SSAValue | Element | float | None


@dataclass(frozen=True)
class GradientSlot:
    """The slot of a parameter's gradient, further along by a run-time shift."""

    slot: int = NO_SLOT
    shift: SSAValue | None = None

    def moved(self, offset: int) -> "GradientSlot":
        """Return the slot of a later parameter; none stays none."""
        if self.slot == NO_SLOT:
            return self
        return GradientSlot(self.slot + offset, self.shift)


@dataclass(slots=True)
class ScheduledGate:
    """A gate of the table, with its parameters and wires."""

    name: str
    params: Sequence[Parameter]
    gradient_slots: Sequence[GradientSlot]  # none, or one for each parameter
    targets: Sequence[WireValue]
    controls: Sequence[WireValue]
    control_values: int
    adjoint: bool
    word: str | None = None  # of a Pauli rotation
    dim: int | None = None  # of a gate that has one
    location: int = 0


@dataclass(slots=True)
class ScheduledMatrix:
    """A matrix that is given when the program runs, with its wires."""

    matrix: SSAValue | None
    gradient_slot: GradientSlot  # of its first number
    targets: Sequence[WireValue]
    controls: Sequence[WireValue]
    control_values: int
    adjoint: bool
    diagonal: bool
    invertible: bool
    location: int = 0

    @property
    def num_entries(self) -> int:
        """The real numbers in it."""
        side = 1 << len(self.targets)
        return 2 * (side if self.diagonal else side * side)


@dataclass
class Schedule:
    """Entries under construction, with the run-time values that they need."""

    entries: list[Entry] = field(default_factory=list[Entry])
    wires: list[int] = field(default_factory=list[int])
    dynamic_wires: list[SSAValue] = field(default_factory=list[SSAValue])
    params: list[Parameter] = field(default_factory=list[Parameter])
    gradient_slots: list[GradientSlot] = field(default_factory=list[GradientSlot])
    matrices: list[tuple[int, SSAValue | None, int]] = field(
        default_factory=list[tuple[int, SSAValue | None, int]]
    )
    matrix_slots: list[GradientSlot] = field(default_factory=list[GradientSlot])

    def add_wires(self, wires: Sequence[WireValue]) -> int:
        """Append wires and return where they start."""
        start = len(self.wires)
        for wire in wires:
            if isinstance(wire, int):
                self.wires.append(wire)
            else:
                self.wires.append(DYNAMIC)
                self.dynamic_wires.extend([] if wire is None else [wire])
        return start

    def add(self, gate: ScheduledGate | ScheduledMatrix) -> None:
        """Append a gate."""
        if isinstance(gate, ScheduledMatrix):
            self._add_matrix(gate)
        else:
            self._add_gate(gate)

    def _add_gate(self, gate: ScheduledGate) -> None:
        record = GATES[gate.name]
        kernel, targets = record.kernel, gate.targets
        start = self.add_wires([*gate.controls, *targets])
        if kernel is Kernel.PAULI_ROT:
            letters = gate.word or record.pauli_word or "Z" * len(targets)
            self.wires.extend(LETTERS.index(letter) for letter in letters)
        first, second = record.two_level if kernel is Kernel.TWO_LEVEL else (0, 0)
        constants = {"dim": gate.dim, "num_targets": len(targets)}
        values = [constants[word] for word in record.words]
        words = [None if value is None else float(value) for value in values]
        self.entries.append(
            Entry(
                kernel,
                GATE_INDEX[gate.name],
                len(gate.params) + len(words),
                len(targets),
                len(gate.controls),
                start,
                gate.control_values,
                len(self.params),
                int(gate.adjoint),
                first,
                second,
                gate.location,
            )
        )
        self.params.extend([*gate.params, *words])
        self.gradient_slots.extend(
            gate.gradient_slots or [GradientSlot()] * len(gate.params)
        )
        self.gradient_slots.extend([GradientSlot()] * len(words))

    def _add_matrix(self, gate: ScheduledMatrix) -> None:
        entries = gate.num_entries
        size = 2 * entries if gate.invertible else entries
        self.matrix_slots += [gate.gradient_slot.moved(n) for n in range(entries)]
        self.matrix_slots += [GradientSlot()] * (size - entries)
        kernel = Kernel.DIAGONAL if gate.diagonal else Kernel.DENSE
        start = self.add_wires([*gate.controls, *gate.targets])
        self.matrices.append((len(self.entries), gate.matrix, size))
        self.entries.append(
            Entry(
                kernel,
                INVERTIBLE if gate.invertible else UNITARY,
                size,
                len(gate.targets),
                len(gate.controls),
                start,
                gate.control_values,
                0,
                int(gate.adjoint),
                location=gate.location,
            )
        )

    def reads_memory(self) -> bool:
        """Tell whether a parameter is read when the schedule runs."""
        return any(isinstance(param, Element) for param in self.params)

    def table(self) -> DenseArrayBase[IntegerType]:
        """Return the entries as a property, the matrices placed after the scalars."""
        entries = list(self.entries)
        offset = len(self.params)
        for number, _, size in self.matrices:
            entries[number] = entries[number].moved(0, offset)
            offset += size
        return word_array([word for entry in entries for word in entry.words()])


@dataclass(frozen=True)
class Tables:
    """A finished schedule: what `Schedule` has put into tables."""

    entries: Sequence[Entry]
    wires: Sequence[int]
    params: Sequence[Parameter]
    matrices: Sequence[SSAValue | None]
    dynamic_wires: Sequence[SSAValue]
    gradient_slots: Sequence[GradientSlot] | None

    def gates(self) -> Iterator[ScheduledGate | ScheduledMatrix]:
        """Yield the gates in order."""
        dynamic = iter(self.dynamic_wires)
        # NOTE: dynamic wires count in the order of the table, not of the gates.
        wires: list[WireValue] = [
            next(dynamic, None) if wire == DYNAMIC else wire for wire in self.wires
        ]
        given = sorted(e.param_offset for e in self.entries if e.is_given)
        matrices = dict(zip(given, self.matrices, strict=True))
        for entry in self.entries:
            start = entry.wire_offset
            middle = start + entry.num_controls
            end = middle + entry.num_targets
            controls, targets = wires[start:middle], wires[middle:end]
            if entry.is_given:
                matrix = matrices[entry.param_offset]
                yield self._matrix(entry, matrix, targets, controls)
            else:
                letters = wires[end : end + entry.num_targets]
                yield self._gate(entry, targets, controls, letters)

    def _matrix(
        self,
        entry: Entry,
        matrix: SSAValue | None,
        targets: Sequence[WireValue],
        controls: Sequence[WireValue],
    ) -> ScheduledMatrix:
        slots = self.gradient_slots
        slot = GradientSlot() if slots is None else slots[entry.param_offset]
        return ScheduledMatrix(
            matrix,
            slot,
            targets,
            controls,
            entry.control_values,
            bool(entry.adjoint),
            entry.kernel == Kernel.DIAGONAL,
            entry.gate == INVERTIBLE,
            entry.location,
        )

    def _gate(
        self,
        entry: Entry,
        targets: Sequence[WireValue],
        controls: Sequence[WireValue],
        letters: Sequence[WireValue],
    ) -> ScheduledGate:
        name = NAMES[entry.gate]
        record = GATES[name]
        first = entry.param_offset
        count = entry.num_params - len(record.words)
        dim = None
        if "dim" in record.words:
            found = self.params[first + count + record.words.index("dim")]
            dim = round(found) if isinstance(found, float) else None
        word = None
        if record.kernel is Kernel.PAULI_ROT:
            word = "".join(LETTERS[each] for each in letters if isinstance(each, int))
            if word == (record.pauli_word or "Z" * len(targets)):
                word = None
        return ScheduledGate(
            name,
            self.params[first : first + count],
            (self.gradient_slots or [])[first : first + count],
            targets,
            controls,
            entry.control_values,
            bool(entry.adjoint),
            word,
            dim,
            entry.location,
        )
