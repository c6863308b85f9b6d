"""When the operations of a block start, and how long qubits idle between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue


@dataclass(eq=False)
class Event:
    """Something that takes time, after other events.

    What is fixed starts as soon as it can, and all before it is over by then: where the
    wires of a register meet.
    """

    duration: int
    fixed: bool = False
    before: list[Event] = field(default_factory=list["Event"])
    start: int = 0

    @property
    def end(self) -> int:
        """When it is over."""
        return self.start + self.duration


@dataclass(eq=False)
class WireTime:
    """The qubit of a wire at a point of a block, and what was last on it.

    It may be out of its register, or put back.
    """

    qubit: SSAValue
    last: Event
    out: bool = True


@dataclass(frozen=True)
class Idle:
    """A qubit between two events."""

    qubit: SSAValue
    since: Event
    until: Event

    @property
    def duration(self) -> int:
        """How long it idles."""
        return self.until.start - self.since.end


class Timeline:
    """Events in the order in which they are written, and what idles between them."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._idle: list[Idle] = []

    def add(
        self,
        duration: int,
        wires: Sequence[WireTime],
        others: Collection[Event] = (),
        *,
        fixed: bool = False,
    ) -> Event:
        """Let an event follow on some wires, and after others."""
        event = Event(duration, fixed, [*(wire.last for wire in wires), *others])
        self._events.append(event)
        for wire in wires:
            self._idle.append(Idle(wire.qubit, wire.last, event))
            wire.last = event
        return event

    def start_early(self) -> None:
        """Let each event start as soon as all before it are over (ASAP)."""
        for event in self._events:
            event.start = max((each.end for each in event.before), default=0)

    def start_late(self) -> None:
        """Let each event end when the first after it starts (ALAP)."""
        self.start_early()
        latest: dict[Event, int] = {}
        for event in reversed(self._events):
            if not event.fixed and event in latest:
                event.start = latest[event] - event.duration
            for each in event.before:
                latest[each] = min(latest.get(each, event.start), event.start)

    def gaps(self) -> Iterator[tuple[SSAValue, int]]:
        """Yield the qubits that idle, and how long in all."""
        found: dict[SSAValue, int] = {}
        for each in self._idle:
            found[each.qubit] = found.get(each.qubit, 0) + each.duration
        yield from ((qubit, time) for qubit, time in found.items() if time)
