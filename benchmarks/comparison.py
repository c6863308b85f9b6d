"""What is compared: cases with goals, in tables, and what a framework must offer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Program = tuple[Callable[..., Any], tuple[Any, ...]]


class Framework(Protocol):
    """What a framework offers; one that lacks something takes no part there."""

    ops: Any  # gates, observables and measurements, by PennyLane's names

    def qnode(
        self, wires: int, shots: int | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return the decorator of quantum functions on `wires` wires."""
        ...

    def single(self) -> "Framework":
        """Return the same with amplitudes in complex64."""
        ...

    def measure(self, wire: int, *, reset: bool = False) -> Any:
        """Measure a wire in the middle of a circuit."""
        ...

    def when(self, outcome: Any, apply: Callable[[], Any]) -> None:
        """Apply what a measured outcome asks for."""
        ...

    def jit(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a function."""
        ...

    def grad(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the gradient with respect to the first argument."""
        ...

    def jacobian(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the derivatives of several results."""
        ...

    def vmap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function of a batch of arguments."""
        ...

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Apply `body` to `initial` `steps` times, in a compiled loop if possible."""
        ...


@dataclass(frozen=True)
class AtMost:
    """A goal: qjit's number is no more than a bound."""

    bound: float

    def met(self, medians: dict[str, float]) -> bool:
        """Whether it was reached."""
        return medians["qjit"] <= self.bound


@dataclass(frozen=True)
class Ahead:
    """A goal: the number of a peer, or of the best, is that many times qjit's."""

    ratio: float
    peer: str | None = None

    def met(self, medians: dict[str, float]) -> bool:
        """Whether it was reached."""
        found = best(medians)[1] if self.peer is None else medians[self.peer]
        return found >= self.ratio * medians["qjit"]


Goal = AtMost | Ahead


def best(medians: dict[str, float]) -> tuple[str, float]:
    """Return which other framework has the lowest number, and the number."""
    peers = {name: median for name, median in medians.items() if name != "qjit"}
    return min(peers.items(), key=lambda item: item[1])


@dataclass(frozen=True)
class Case:
    """One comparison.

    What is measured is an action of worker.py: "warm", the seconds of a warm call;
    "compile", those from the Python function to the first result; "start", those
    from the traced function to the first result; "memory", the bytes of a call.
    """

    title: str
    build: Callable[[Any, int], Program]  # of a framework and a round's number
    peers: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    action: str = "warm"
    per: str = "call"
    count: float = 1  # a measured number is that many of what it is given per
    rounds: int = 9  # at most
    fresh: bool = False  # every round in a new process
    empty: bool = False  # whose cache is empty
    first: bool = True  # begin with a round that does not count
    tolerance: float = 1e-6  # how far results may differ; six deviations for shots
    summary: Callable[[Any], Any] = np.ravel  # of the results, before they are compared
    unlike: tuple[str, ...] = ()  # columns whose result is another
    place: float = 0  # on the axis of a curve
    curve: str = ""  # the curve that it is a point of
    describe: bool = False  # also measure the program's text


@dataclass(frozen=True)
class Table:
    """Cases that are shown together, as rows; the frameworks are the columns."""

    title: str
    text: str
    cases: dict[str, Case] = field(default_factory=dict)
    quantity: str = "seconds"  # or "states", of memory
    ratio: tuple[str, str] | None = ("", "qjit")  # of two columns, or of the best
    axis: str = ""  # what the places of curves are
