"""Quantum functions that run on every runtime that has what they need.

Each takes what it ends with, `qj.sample` or `qj.probs`, before its own arguments.
"""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

import qjit as qj

# cos(THETA / 2)**2 = 3/4
THETA = math.pi / 3
PHASE = 0.3


def bell(read: Any) -> Any:
    qj.H(0)
    qj.CNOT([0, 1])
    return read(wires=[0, 1])


def ghz(read: Any) -> Any:
    """GHZ beside a qubit that is turned a little, which tells the order of bits."""
    qj.RY(THETA, 3)
    qj.H(0)

    @qj.for_loop(0, 2, 1)
    def entangle(wire: Any) -> None:
        qj.CNOT([wire, wire + 1])

    entangle()
    return read(wires=range(4))


def qft(read: Any) -> Any:
    """The Fourier transform of three cosines."""

    @qj.for_loop(0, 3, 1)
    def prepare(wire: Any) -> None:
        qj.RY(THETA + 0.4 * wire, wire)

    @qj.for_loop(0, 3, 1)
    def transform(wire: Any) -> None:
        qj.H(wire)

        @qj.for_loop(wire + 1, 3, 1)
        def turn(other: Any) -> None:
            qj.ControlledPhaseShift(math.pi * 2.0 ** (wire - other), [other, wire])

        turn()

    prepare()
    transform()
    return read(wires=[2, 1, 0])


def qaoa(read: Any) -> Any:
    """A layer of QAOA on a ring of four with a field."""

    @qj.for_loop(0, 4, 1)
    def start(wire: Any) -> None:
        qj.H(wire)

    @qj.for_loop(0, 4, 1)
    def cost(wire: Any) -> None:
        qj.IsingZZ(0.9, [wire, (wire + 1) % 4])
        qj.RZ(0.3 * wire, wire)

    @qj.for_loop(0, 4, 1)
    def mix(wire: Any) -> None:
        qj.RX(0.7, wire)

    start()
    cost()
    mix()
    return read(wires=range(4))


def grover(read: Any, iterations: Any) -> Any:
    """Grover's search for 101, with as many iterations as are asked for."""

    def reflect() -> None:
        qj.H(2)
        qj.Toffoli([0, 1, 2])
        qj.H(2)

    def each(gate: Any) -> None:
        for wire in range(3):
            gate(wire)

    @qj.for_loop(0, iterations, 1)
    def iterate(_: Any) -> None:
        qj.X(1)
        reflect()
        qj.X(1)
        each(qj.H)
        each(qj.X)
        reflect()
        each(qj.X)
        each(qj.H)

    each(qj.H)
    iterate()
    return read(wires=range(3))


def teleportation(read: Any) -> Any:
    qj.RY(THETA, 0)
    qj.H(1)
    qj.CNOT([1, 2])
    qj.CNOT([0, 1])
    qj.H(0)
    first, second = qj.measure(0), qj.measure(1)
    qj.cond(second, lambda: qj.X(2))()
    qj.cond(first, lambda: qj.Z(2))()
    return read(op=[first, second, qj.measure(2)])


def phase_estimation(read: Any) -> Any:
    """Three bits of a phase, the last one first (A. Y. Kitaev, quant-ph/9511026)."""
    qj.X(1)

    @qj.for_loop(0, 3, 1)
    def find(place: Any, bits: Any, angle: Any) -> Any:
        qj.H(0)
        qj.ControlledPhaseShift(2 * math.pi * PHASE * 2.0 ** (2 - place), [0, 1])
        qj.PhaseShift(-angle, 0)
        qj.H(0)
        bit = qj.measure(0, reset=True)
        return bits.at[2 - place].set(bit), (angle + math.pi * bit) / 2

    bits, _ = find(jnp.zeros(3, bool), 0.0)
    return read(op=list(bits))


def bit_flips(read: Any, rounds: Any) -> Any:
    """A logical qubit in the bit-flip code, of whose qubits one is turned each round.

    The syndrome makes it a flip or none, which is taken back, so that the logical qubit
    stays what it was.
    """
    qj.RY(THETA, 0)
    qj.CNOT([0, 1])
    qj.CNOT([0, 2])

    @qj.for_loop(0, rounds, 1)
    def correct(number: Any) -> None:
        qj.RX(0.8, number % 3)

        @qj.for_loop(0, 2, 1)
        def compare(place: Any) -> None:
            qj.CNOT([place, 3 + place])
            qj.CNOT([place + 1, 3 + place])

        compare()
        left, right = qj.measure(3, reset=True), qj.measure(4, reset=True)
        qj.cond(left & ~right, lambda: qj.X(0))()
        qj.cond(left & right, lambda: qj.X(1))()
        qj.cond(~left & right, lambda: qj.X(2))()

    correct()
    return read(wires=range(3))


def repeat_until_success(read: Any) -> Any:
    """RZ(acos(3/5)) of Clifford gates and Toffoli, tried until both outcomes are 0.

    It succeeds in 5 of 8 cases, and applies Z in others (M. A. Nielsen and
    I. L. Chuang, 2000, exercise 4.41). A qubit tells whether it took more than one
    attempt.
    """
    qj.H(2)

    @qj.while_loop(lambda failed, attempts: failed)
    def attempt(failed: Any, attempts: Any) -> Any:
        for wire in range(2):
            qj.reset(wire)
            qj.H(wire)
        qj.Toffoli([0, 1, 2])
        qj.S(2)
        qj.Toffoli([0, 1, 2])
        qj.H(0)
        qj.H(1)
        first, second = qj.measure(0), qj.measure(1)
        failed = first | second
        qj.cond(failed, lambda: qj.Z(2))()
        return failed, attempts + 1

    _, attempts = attempt(jnp.array(True), jnp.array(0))
    qj.cond(attempts > 1, lambda: qj.X(3))()
    qj.H(2)
    return read(wires=[2, 3])


def search(read: Any) -> Any:
    """Grover's search of two qubits by 0 or 1 iterations, until it is successful.

    A coin, which is part of the result, says how many: with one iteration it always
    is, and with none in one case of four.
    """

    @qj.while_loop(lambda found, _: ~found)
    def attempt(found: Any, _: Any) -> Any:
        for wire in range(3):
            qj.reset(wire)
            qj.H(wire)
        coin = qj.measure(2)

        @qj.for_loop(0, coin.astype(int), 1)
        def iterate(_: Any) -> None:
            qj.X(0)
            qj.CZ([0, 1])
            qj.X(0)
            for wire in range(2):
                qj.H(wire)
                qj.Z(wire)
            qj.CZ([0, 1])
            for wire in range(2):
                qj.H(wire)

        iterate()
        return ~qj.measure(0) & qj.measure(1), coin

    attempt(jnp.array(False), jnp.array(False))
    return read(wires=range(3))


@dataclass(frozen=True)
class Kernel:
    """A quantum function, what it needs, and what it is expected to give."""

    function: Callable[..., Any]
    wires: int
    needs: str = ""
    """The error's words for what some runtimes lack; nothing if all run it."""
    args: tuple[int, ...] = ()
    known: Mapping[str, float] | None = None
    """The distribution, where there are too many paths, or loops without an end."""

    def expected(self) -> Mapping[str, float]:
        """Return the distribution, from the exact probabilities unless it is known."""
        if self.known is not None:
            return self.known
        exact = qj.qjit(qj.qnode(wires=self.wires)(self.function), static_argnums=0)
        chances = np.asarray(exact(qj.probs, *self.args)).tolist()
        size = int(math.log2(len(chances)))
        keys = map("".join, itertools.product("01", repeat=size))
        found = zip(keys, chances, strict=True)
        return {key: chance for key, chance in found if chance > 1e-9}

    def sampled(self, device: Any, *, traced: bool = True) -> np.ndarray:
        """Return the bits of each shot on a device, for arguments that are traced."""
        if traced:
            run = qj.qjit(qj.qnode(device)(self.function), static_argnums=0)
            return np.asarray(run(qj.sample, *self.args)).astype(int)
        known = qj.qnode(device)(lambda: self.function(qj.sample, *self.args))
        return np.asarray(qj.qjit(known)()).astype(int)


BRANCH, LOOP = "a (branch|gate) that outcomes decide", "a loop that outcomes decide"
LATER = 3 / 8  # the chance that an attempt is not the first one
KERNELS: Mapping[str, Kernel] = {
    "bell": Kernel(bell, 2),
    "ghz": Kernel(ghz, 4),
    "qft": Kernel(qft, 3),
    "qaoa": Kernel(qaoa, 4),
    "grover": Kernel(grover, 3, args=(2,)),
    "teleportation": Kernel(teleportation, 3, BRANCH),
    "phase-estimation": Kernel(phase_estimation, 2, BRANCH),
    "bit-flips": Kernel(
        bit_flips, 5, BRANCH, args=(100,), known={"000": 3 / 4, "111": 1 / 4}
    ),
    "repeat-until-success": Kernel(
        repeat_until_success,
        4,
        LOOP,
        known={
            one + more: chance * times
            for one, chance in (("0", 4 / 5), ("1", 1 / 5))
            for more, times in (("0", 1 - LATER), ("1", LATER))
        },
    ),
    "search": Kernel(search, 3, LOOP, known={"010": 1 / 5, "011": 4 / 5}),
}
