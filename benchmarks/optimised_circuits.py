"""Circuits for optimisers: lists of gates, the same for all of them.

A gate is its name in OpenQASM's standard library, its angles and its wires; "mcx" is X
under controls, its target last.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise, product
from math import asin, pi, sqrt

import numpy as np

Gate = tuple[str, tuple[float, ...], tuple[int, ...]]
Gates = list[Gate]


def gate(name: str, *wires: int, angle: float | None = None) -> Gate:
    """Return a gate without an angle, or with one."""
    return name, (() if angle is None else (float(angle),)), wires


def ghz(n: int) -> Gates:
    """A GHZ state along a line."""
    return [gate("h", 0), *(gate("cx", a, a + 1) for a in range(n - 1))]


def fourier(wires: range, sign: float = 1) -> Gates:
    """The quantum Fourier transform, its wires in order at the end."""
    found: Gates = []
    for index, wire in enumerate(wires):
        found.append(gate("h", wire))
        for distance, other in enumerate(wires[index + 1 :], 1):
            found.append(gate("cp", other, wire, angle=sign * pi / 2**distance))
    half = len(wires) // 2
    swaps = zip(wires[:half], reversed(wires), strict=False)
    return found + [gate("swap", a, b) for a, b in swaps]


def qft(n: int) -> Gates:
    """The quantum Fourier transform."""
    return fourier(range(n))


def qaoa(n: int) -> Gates:
    """Two layers of QAOA for the largest cut of a random 3-regular graph."""
    edges = regular_graph(n, np.random.default_rng(n))
    found = [gate("h", wire) for wire in range(n)]
    for gamma, beta in ((0.7, 0.4), (0.3, 0.9)):
        found += [gate("rzz", a, b, angle=gamma) for a, b in edges]
        found += [gate("rx", wire, angle=2 * beta) for wire in range(n)]
    return found


def regular_graph(n: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """Return the edges of a random graph, three at each vertex."""
    while True:
        ends = random.permutation(np.repeat(np.arange(n), 3)).tolist()
        edges = {(min(p), max(p)) for p in zip(ends[::2], ends[1::2], strict=True)}
        if len(edges) == 3 * n // 2 and all(a != b for a, b in edges):
            return sorted(edges)


def pauli_rotation(word: str, wires: tuple[int, ...], angle: float) -> Gates:
    """The rotation about a product of Pauli matrices, along a ladder of CNOTs."""
    before: Gates = []
    after: Gates = []
    for letter, wire in zip(word, wires, strict=True):
        if letter == "X":
            before.append(gate("h", wire))
            after.append(gate("h", wire))
        if letter == "Y":
            before.append(gate("rx", wire, angle=pi / 2))
            after.append(gate("rx", wire, angle=-pi / 2))
    ladder = [gate("cx", a, b) for a, b in pairwise(wires)]
    turn = gate("rz", wires[-1], angle=angle)
    return [*before, *ladder, turn, *reversed(ladder), *after]


def uccsd(n: int) -> Gates:
    """At most four double excitations from n/2 filled orbitals to the empty ones."""
    random = np.random.default_rng(n)
    filled = list(pairwise(range(n // 2)))
    empty = list(pairwise(range(n // 2, n)))
    found = [gate("x", wire) for wire in range(n // 2)]
    for (a, b), (c, d) in list(product(filled, empty))[:4]:
        angle = random.uniform(0.1, 1)
        for ends in product("XY", repeat=4):
            if ends.count("Y") % 2:
                sign = -1 if ends in (tuple("YXXX"), tuple("XYXX")) else 1
                word, wires = "".join(ends), (a, b, c, d)
                found += pauli_rotation(word, wires, sign * angle / 8)
    return found


def ansatz(n: int) -> Gates:
    """Four layers of RY, RZ and a line of CNOTs, at random angles."""
    random = np.random.default_rng(n)
    found: Gates = []
    for _ in range(4):
        for wire in range(n):
            found.append(gate("ry", wire, angle=random.uniform(0, 2 * pi)))
            found.append(gate("rz", wire, angle=random.uniform(0, 2 * pi)))
        found += [gate("cx", a, a + 1) for a in range(n - 1)]
    return found


def adder(n: int) -> Gates:
    """Cuccaro's ripple-carry adder of two numbers of (n - 2) / 2 bits."""
    bits = (n - 2) // 2
    steps = [(k, k + 1, k + 2) for k in range(0, 2 * bits, 2)]
    found: Gates = []
    for carry, b, a in steps:
        found += [gate("cx", a, b), gate("cx", a, carry), gate("ccx", carry, b, a)]
    found.append(gate("cx", 2 * bits, 2 * bits + 1))
    for carry, b, a in reversed(steps):
        found += [gate("ccx", carry, b, a), gate("cx", a, carry), gate("cx", carry, b)]
    return found


def grover(n: int) -> Gates:
    """Two iterations of Grover's search for one word, on all wires."""
    word = np.random.default_rng(n).integers(0, 2, n)
    every = range(n)
    all_but_last = tuple(range(n - 1))
    flip = [gate("h", n - 1), ("mcx", (), (*all_but_last, n - 1)), gate("h", n - 1)]
    marks = [gate("x", wire) for wire in every if not word[wire]]
    hadamards = [gate("h", wire) for wire in every]
    around = [*hadamards, *(gate("x", wire) for wire in every)]
    iteration = [*marks, *flip, *marks, *around, *flip, *reversed(around)]
    return [*hadamards, *iteration, *iteration]


def clifford_t(n: int) -> Gates:
    """Random gates of H, S, T, T†, CNOT, thirty for each wire."""
    random = np.random.default_rng(n)
    found: Gates = []
    for name in random.choice(["h", "s", "t", "tdg", "cx", "cx"], 30 * n).tolist():
        wires = random.choice(n, 2 if name == "cx" else 1, replace=False).tolist()
        found.append(gate(name, *wires))
    return found


def volume(n: int) -> Gates:
    """Five layers of random gates on random pairs, each as three Ising rotations."""
    random = np.random.default_rng(n)
    found: Gates = []

    def turn(wire: int) -> Iterator[Gate]:
        for name in ("rz", "ry", "rz"):
            yield gate(name, wire, angle=random.uniform(0, 2 * pi))

    for _ in range(5):
        order = random.permutation(n).tolist()
        for a, b in zip(order[::2], order[1::2], strict=False):
            found += [*turn(a), *turn(b)]
            for name in ("rxx", "ryy", "rzz"):
                found.append(gate(name, a, b, angle=random.uniform(0, pi)))
            found += [*turn(a), *turn(b)]
    return found


def bernstein_vazirani(n: int) -> Gates:
    """Bernstein and Vazirani's circuit for a random word of n - 1 bits."""
    word = np.random.default_rng(n).integers(0, 2, n - 1)
    hadamards = [gate("h", wire) for wire in range(n - 1)]
    ones = [gate("cx", wire, n - 1) for wire in range(n - 1) if word[wire]]
    return [gate("x", n - 1), gate("h", n - 1), *hadamards, *ones, *hadamards]


def w_state(n: int) -> Gates:
    """The W state, by a cascade of controlled rotations."""
    found = [gate("x", 0)]
    for wire in range(n - 1):
        half = asin(sqrt((n - 1 - wire) / (n - wire)))
        found += [
            gate("ry", wire + 1, angle=half),
            gate("cz", wire, wire + 1),
            gate("ry", wire + 1, angle=-half),
            gate("cx", wire + 1, wire),
        ]
    return found


def phase_estimation(n: int) -> Gates:
    """The phase of a gate on the last wire, in n - 1 bits."""
    counting = range(n - 1)
    found = [gate("x", n - 1), *(gate("h", wire) for wire in counting)]
    for wire in counting:
        angle = 2 * pi * 0.3127 * 2 ** (n - 2 - wire)
        found.append(gate("cp", wire, n - 1, angle=angle))
    inverse = [
        (name, tuple(-angle for angle in angles), wires)
        for name, angles, wires in reversed(fourier(counting))
    ]
    return found + inverse


# Each family with its sizes, and with those that are routed.
FAMILIES: dict[str, tuple[Callable[[int], Gates], tuple[int, ...], tuple[int, ...]]] = {
    "GHZ": (ghz, (5, 10, 20), (5,)),
    "Bernstein-Vazirani": (bernstein_vazirani, (5, 10, 20), (10,)),
    "W state": (w_state, (5, 10, 20), (5,)),
    "QFT": (qft, (5, 10), (5, 10)),
    "phase estimation": (phase_estimation, (5, 10), (5,)),
    "QAOA": (qaoa, (6, 10, 20), (6, 10)),
    "ansatz": (ansatz, (5, 10), (5,)),
    "quantum volume": (volume, (5, 10), (5,)),
    "adder": (adder, (6, 10), (6, 10)),
    "Clifford+T": (clifford_t, (5, 10), (5,)),
    "UCCSD": (uccsd, (4, 6), (4,)),
    "Grover": (grover, (5, 7), (5,)),
}
