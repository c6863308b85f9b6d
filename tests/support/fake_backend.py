"""A backend that does what a test tells it, and a clock that tests turn.

What a runtime has is in the `Vendor`, to which several backends can be, as of several
processes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qjit.devices.backends.protocol import (
    BackendError,
    Limits,
    PartialResults,
    Payload,
    Status,
)
from qjit.devices.jobs.policy import Clock

# What a call raises or returns before it does what it is for.
Trouble = BackendError | BaseException


@dataclass
class Turned:
    """A clock that sleeping turns."""

    time: float = 100.0
    naps: list[float] = field(default_factory=list[float])
    on_sleep: Callable[[], None] = lambda: None
    chance: float = 0.0

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.time, self._sleep, lambda: self.chance)

    def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.time += seconds
        self.on_sleep()


@dataclass
class Order:
    """What was handed in."""

    programs: list[Payload]
    shots: int
    seed: int | None
    id: str | None = None
    states: list[Status] = field(default_factory=list[Status])
    cancelled: bool = False


@dataclass
class Vendor:
    """A runtime: bits are those of the program's number, written in its text."""

    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    states: list[Status] = field(default_factory=list[Status])
    """What a new order is before it is done."""
    troubles: dict[str, list[Trouble]] = field(default_factory=dict[str, list[Trouble]])
    """What the next calls of a method raise."""
    failing: dict[str, list[bool]] = field(default_factory=dict[str, list[bool]])
    """Of a program, whether it fails, each time it is handed in."""
    retry: bool = False
    calls: list[str] = field(default_factory=list[str])

    def called(self, name: str) -> None:
        self.calls.append(name)
        if self.troubles.get(name):
            raise self.troubles[name].pop(0)


class FakeBackend:
    """A backend of a vendor in this process."""

    formats: tuple[str, ...] = ("openqasm3",)

    def __init__(self, vendor: Vendor, limits: Limits | None = None) -> None:
        self.vendor, self.limits = vendor, limits or Limits()

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> Any:
        self.vendor.called("submit")
        token = {"job": f"order-{len(self.vendor.orders)}"}
        order = Order([*programs], shots, seed, states=[*self.vendor.states])
        self.vendor.orders[token["job"]] = order
        self.vendor.called("submitted")
        return token

    def status(self, token: Any) -> Status:
        self.vendor.called("status")
        order = self.vendor.orders[token["job"]]
        if order.cancelled:
            return Status.CANCELLED
        return order.states.pop(0) if order.states else Status.DONE

    def results(self, token: Any) -> list[np.ndarray]:
        self.vendor.called("results")
        order, rows = self.vendor.orders[token["job"]], list[np.ndarray | None]()
        for program in order.programs:
            failing = self.vendor.failing.get(str(program.program), [])
            fails = bool(failing) and failing.pop(0)
            rows.append(None if fails else bits_of(program, order.shots, order.seed))
        reasons = {k: "qubit 3 is cold" for k, each in enumerate(rows) if each is None}
        if reasons:
            raise PartialResults(rows, reasons, retry=self.vendor.retry)
        return [each for each in rows if each is not None]

    def cancel(self, token: Any) -> None:
        self.vendor.called("cancel")
        self.vendor.orders[token["job"]].cancelled = True


class KnowingBackend(FakeBackend):
    """A backend of a vendor that takes what has an id once."""

    takes_id = True

    def submit(
        self,
        programs: Sequence[Payload],
        shots: int,
        seed: int | None,
        id: str | None = None,
    ) -> Any:
        for name, order in self.vendor.orders.items():
            if order.id == id:
                self.vendor.called("submit")
                return {"job": name}
        known = len(self.vendor.orders)
        try:
            return super().submit(programs, shots, seed)
        finally:
            for order in [*self.vendor.orders.values()][known:]:
                order.id = id

    def details(self, token: Any) -> dict[str, Any]:
        return {"queue_position": 3, "cost": 0.25, "programs": len(token)}


def circuit(number: int, bits: int = 3) -> Payload:
    """Return a circuit whose bits are its number."""
    return Payload(str(number), "openqasm3", bits, bits)


def bits_of(program: Payload, shots: int, seed: int | None) -> np.ndarray:
    """Return the bits of a circuit: its number, and in the last column the seed's."""
    number = int(program.program)
    row = [number >> k & 1 for k in range(program.num_bits - 1)]
    rows = np.zeros((shots, program.num_bits), np.uint8)
    rows[:, :-1] = row
    if seed is not None:
        rows[:, -1] = np.random.default_rng(seed).integers(2, size=shots)
    return rows
