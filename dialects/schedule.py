"""Building schedule entries from gates."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from .gates import GATE_INDEX, GATES, Kernel
from .statevector import DYNAMIC, Element, Entry, Parameter, Place

GIVEN_UNITARY, GIVEN_INVERTIBLE = -1, -2
KERNELS = {
    Kernel.ONE: 0,
    Kernel.DIAGONAL: 1,
    Kernel.TWO_LEVEL: 2,
    Kernel.DENSE: 3,
    Kernel.PAULI_ROT: 4,
}
LETTERS = "IXYZ"

WireValue = int | SSAValue


@dataclass
class Schedule:
    """Entries under construction, with the run-time values that they need."""

    entries: list[Entry] = field(default_factory=list[Entry])
    wires: list[int] = field(default_factory=list[int])
    dynamic_wires: list[SSAValue] = field(default_factory=list[SSAValue])
    params: list[Parameter] = field(default_factory=list[Parameter])
    places: list[Place] = field(default_factory=list[Place])
    matrices: list[tuple[int, SSAValue, int]] = field(
        default_factory=list[tuple[int, SSAValue, int]]
    )
    matrix_places: list[Place] = field(default_factory=list[Place])

    def add_wires(self, wires: Sequence[WireValue]) -> int:
        """Append wires and return where they start."""
        start = len(self.wires)
        for wire in wires:
            if isinstance(wire, int):
                self.wires.append(wire)
            else:
                self.wires.append(DYNAMIC)
                self.dynamic_wires.append(wire)
        return start

    def add_gate(
        self,
        name: str,
        params: Sequence[Parameter],
        words: Sequence[float],
        places: Sequence[Place],
        targets: Sequence[WireValue],
        controls: Sequence[WireValue],
        control_values: int,
        adjoint: bool,
        word: str | None,
        location: int,
    ) -> None:
        """Append a gate of the table."""
        record = GATES[name]
        kernel = record.kernel
        start = self.add_wires([*controls, *targets])
        if kernel is Kernel.PAULI_ROT:
            letters = word or record.pauli_word or "Z" * len(targets)
            self.wires.extend(LETTERS.index(letter) for letter in letters)
        first, second = record.two_level if kernel is Kernel.TWO_LEVEL else (0, 0)
        self.entries.append(
            Entry(
                KERNELS[kernel],
                GATE_INDEX[name],
                len(params) + len(words),
                len(targets),
                len(controls),
                start,
                control_values,
                len(self.params),
                int(adjoint),
                first,
                second,
                location,
            )
        )
        self.params.extend([*params, *words])
        self.places.extend(places or [Place()] * len(params))
        self.places.extend([Place()] * len(words))

    def add_unitary(
        self,
        matrix: SSAValue,
        targets: Sequence[WireValue],
        controls: Sequence[WireValue],
        control_values: int,
        adjoint: bool,
        diagonal: bool,
        invertible: bool,
        place: Place,
        location: int,
    ) -> None:
        """Append a matrix that is given at run time."""
        side = 1 << len(targets)
        entries = 2 * (side if diagonal else side * side)
        size = 2 * entries if invertible else entries
        self.matrix_places += [place.moved(n) for n in range(entries)]
        self.matrix_places += [Place()] * (size - entries)
        kernel = KERNELS[Kernel.DIAGONAL if diagonal else Kernel.DENSE]
        start = self.add_wires([*controls, *targets])
        self.matrices.append((len(self.entries), matrix, size))
        counts = (len(targets), len(controls))
        self.entries.append(
            Entry(
                kernel,
                GIVEN_INVERTIBLE if invertible else GIVEN_UNITARY,
                size,
                *counts,
                start,
                control_values,
                0,
                int(adjoint),
                location=location,
            )
        )

    def reads_memory(self) -> bool:
        """Tell whether a parameter is read when the schedule runs."""
        return any(isinstance(param, Element) for param in self.params)

    def placed_entries(self) -> list[Entry]:
        """Return the entries, the matrices placed after the scalars."""
        entries = list(self.entries)
        offset = len(self.params)
        for number, _, size in self.matrices:
            entries[number] = entries[number].moved(0, offset)
            offset += size
        return entries
