"""What a language is to the walk over a circuit: how it writes each thing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from xdsl.ir import Attribute, Operation

from .values import Expression

Wire = int | Expression


class EmissionError(NotImplementedError):
    """A language or a device lacks what a circuit needs.

    Args:
        what: what that is, as in "a loop that outcomes decide".
        op: the operation that needs it.
    """

    def __init__(self, what: str, op: Operation | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.op = op


@dataclass(frozen=True)
class AppliedGate:
    """A gate of the table on wires, with numbers or expressions as its parameters."""

    name: str
    params: tuple[Any, ...]
    targets: tuple[Wire, ...]
    controls: tuple[Wire, ...] = ()
    pattern: tuple[int, ...] = ()
    """The values of the controls for which it acts."""
    adjoint: bool = False
    static: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Emitter(Protocol):
    """A language in which circuits are written."""

    @property
    def has_branches(self) -> bool:
        """Whether outcomes may decide what is applied."""
        ...

    @property
    def has_loops(self) -> bool:
        """Whether outcomes may decide how often something is applied."""
        ...

    @property
    def has_counters(self) -> bool:
        """Whether there are loops over numbers, which wires may be computed from."""
        ...

    @property
    def has_subroutines(self) -> bool:
        """Whether there are functions, which take all qubits and numbers."""
        ...

    @property
    def num_bits(self) -> int:
        """How many bits a shot of the finished program gives, the results first."""
        ...

    def parameter(self, name: str) -> Expression:
        """Declare a number that is given when the program runs."""
        ...

    def constant(self, bit: bool) -> Expression:
        """Return a bit that is always the same."""
        ...

    def allocate(self, num_qubits: int) -> None:
        """Take more qubits, whose wires follow those before; all are in |0>."""
        ...

    def gate(self, gate: AppliedGate) -> None:
        """Write a gate."""
        ...

    def measure(self, wire: Wire) -> Expression:
        """Write a measurement, and return its outcome."""
        ...

    def reset(self, wire: Wire) -> None:
        """Write a reset to |0>."""
        ...

    def barrier(self, wires: Sequence[Wire]) -> None:
        """Write a barrier."""
        ...

    def delay(self, seconds: float, wires: Sequence[Wire]) -> None:
        """Write a delay."""
        ...

    def operation(self, op: Operation, operands: Sequence[Any]) -> Expression:
        """Write a classical operation of numbers and expressions."""
        ...

    def select(self, outcome: Expression, one: Any, zero: Any, kind: Attribute) -> Any:
        """Write a choice between two values."""
        ...

    def branch(
        self,
        condition: Expression,
        then: Callable[[], None],
        otherwise: Callable[[], None],
        results: Callable[[], Sequence[tuple[Any, Any, Attribute]]],
    ) -> list[Expression]:
        """Write a branch, first where the condition holds, then where it does not.

        Then ask for its results, which are given as the values of both sides, tables
        among them, and their type.
        """
        ...

    def loop(
        self,
        condition: Expression,
        initial: Sequence[Any],
        kinds: Sequence[Attribute],
        body: Callable[[Sequence[Expression]], tuple[Expression, Sequence[Any]]],
    ) -> list[Expression]:
        """Write a loop over values that goes on while a condition holds.

        The body takes the values, and returns the next condition and values. The
        results are the last values.
        """
        ...

    def count(
        self, start: int, stop: int, step: int, body: Callable[[Expression], None]
    ) -> None:
        """Write a loop over numbers."""
        ...

    def define(
        self, kinds: Sequence[Attribute], body: Callable[[Sequence[Expression]], None]
    ) -> str:
        """Write a function of numbers, and return its name; no `undo` takes it back."""
        ...

    def call(self, name: str, arguments: Sequence[Any]) -> None:
        """Write a call of a function."""
        ...

    def mark(self) -> Any:
        """Return where the program is, for `undo`."""
        ...

    def undo(self, mark: Any) -> None:
        """Take back all that was written since."""
        ...

    def finish(self, outcomes: Sequence[Expression]) -> Any:
        """Return the program, whose results are these bits: a text or an object."""
        ...


class WithoutSubroutines:
    """What emitters share whose programs are one function."""

    has_subroutines = False

    def define(
        self, kinds: Sequence[Attribute], body: Callable[[Sequence[Expression]], None]
    ) -> str:
        """Refuse a function."""
        raise EmissionError("a function")

    def call(self, name: str, arguments: Sequence[Any]) -> None:
        """Refuse the call of a function."""
        raise EmissionError("a function")
