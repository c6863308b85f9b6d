"""Quantum functions that return bits, with arrays that outcomes change."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import qjit as qj

Bits = Any


def rows_of(function: Callable[[float], Bits], device: Any) -> np.ndarray:
    """Return the bits in all shots on a device."""

    @qj.qnode(device)
    def rows() -> Any:
        return qj.sample(op=list(function(0.6)))

    return np.asarray(rows())


def copied(x: Any) -> Bits:
    qj.RY(1.0, 0)
    row = qj.cond(
        qj.measure(0), lambda: jnp.array([0.5, 2.0]), lambda: jnp.array([1.5, 0.3])
    )()
    qj.RX(row[0], 1)
    qj.RX(row[1], 2)
    return [qj.measure(1), qj.measure(2)]


def set_in_a_branch(x: Any) -> Bits:
    bits = jnp.zeros(3, bool)
    qj.RY(1.0, 0)

    def changed() -> Any:
        qj.RX(0.8, 1)
        return bits.at[1].set(qj.measure(1)).at[2].set(True)

    bits = qj.cond(qj.measure(0), changed, lambda: bits.at[0].set(True))()
    qj.cond(jnp.any(bits[:2]), lambda: qj.RX(1.2, 2))()
    return [*bits, qj.measure(2)]


def carried_by_a_loop(x: Any) -> Bits:
    def again(state: Any) -> Any:
        bits, count = state
        qj.RX(0.7, 0)
        qj.RY(0.4, 1)
        bits = bits.at[1].set(qj.measure(0)).at[0].set(bits[1])
        return bits, count.at[0].add(1)

    def goes_on(state: Any) -> Any:
        bits, count = state
        return ~bits[1] & (count[0] < 3)

    start = jnp.zeros(2, bool), jnp.zeros(1, int)
    bits, count = qj.while_loop(goes_on)(again)(start)
    return [*bits, count[0] == 2, qj.measure(1)]


def numbers_and_angles(x: Any) -> Bits:
    def body(angles: Any) -> Any:
        qj.RX(angles[0], 0)
        return angles.at[0].set(qj.cond(qj.measure(0), lambda: x, lambda: 2 * x)())

    angles = qj.for_loop(0, 3, 1)(lambda _, angles: body(angles))(jnp.array([0.9, x]))
    qj.RX(angles[0], 1)
    return [qj.measure(1)]


def rows_of_a_switch(x: Any) -> Bits:
    qj.RY(1.2, 0)
    qj.RY(0.7, 1)
    which = qj.measure(0) + qj.measure(1)
    rows = [lambda n=n: jnp.arange(3) == n for n in range(3)]
    return list(jax.lax.switch(which, rows))


CHOSEN = (
    *(copied, set_in_a_branch, carried_by_a_loop, numbers_and_angles),
    rows_of_a_switch,
)


class Programs:
    """Programs on three qubits and an array of three bits, drawn at random."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def statements(self, depth: int, count: int) -> list[Any]:
        return [self.statement(depth) for _ in range(count)]

    def statement(self, depth: int) -> Callable[[Bits], Bits]:
        draw = self.random
        wire, place, source, other = (draw.randrange(3) for _ in range(4))
        angle = draw.uniform(0.3, 2.5)
        kinds = [self.gate, self.measured, self.computed]
        if depth:
            kinds += [self.branch, self.loop, self.repeated]
        return draw.choice(kinds)(depth, wire, place, source, other, angle)

    def gate(self, _: int, wire: int, place: int, *rest: Any) -> Any:
        angle = rest[-1]

        def apply(bits: Bits) -> Bits:
            qj.RY(angle, wire)
            if place != wire:
                qj.CNOT([wire, place])
            return bits

        return apply

    def measured(self, _: int, wire: int, place: int, *rest: Any) -> Any:
        return lambda bits: bits.at[place].set(qj.measure(wire))

    def computed(self, _: int, wire: int, place: int, *rest: Any) -> Any:
        source, other, _ = rest
        return lambda bits: bits.at[place].set(bits[source] ^ ~bits[other])

    def branch(self, depth: int, wire: int, place: int, *rest: Any) -> Any:
        then, otherwise = (self.statements(depth - 1, 2) for _ in range(2))
        return lambda bits: qj.cond(
            bits[place], lambda: run(then, bits), lambda: run(otherwise, bits)
        )()

    def loop(self, depth: int, wire: int, place: int, *rest: Any) -> Any:
        body = self.statements(depth - 1, 2)

        def apply(bits: Bits) -> Bits:
            found, _ = qj.while_loop(lambda state: state[0][place] & (state[1] < 2))(
                lambda state: (run(body, state[0]), state[1] + 1)
            )((bits, 0))
            return found

        return apply

    def repeated(self, depth: int, *rest: Any) -> Any:
        body = self.statements(depth - 1, 2)
        return lambda bits: qj.for_loop(0, 2, 1)(lambda _, bits: run(body, bits))(bits)


def run(statements: Sequence[Any], bits: Bits) -> Bits:
    for statement in statements:
        bits = statement(bits)
    return bits


def generated(seed: int) -> Callable[[float], Bits]:
    """Return a program that is drawn at random."""
    statements = Programs(seed).statements(2, 6)
    return lambda _: list(run(statements, jnp.zeros(3, bool)))
