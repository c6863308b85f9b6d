"""Clifford circuits on up to three wires with the fewest CNOTs.

A Clifford gate is known up to Paulis by the Paulis U^-1 P U for each wire's P. Up to
gates on one wire and the order of wires, those of each wire matter as a set {X, Y, Z}
only. There are 1120 cases of three wires, which a breadth-first search reaches.
"""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations

import numpy as np

from qjit.dialects.gates.fourier import ComplexMatrix
from qjit.dialects.gates.record import PAULIS
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.circuits.gates import Gate
from qjit.runtime.recent import MOST

# A Pauli as a mask: the bits of X on each wire, then, at MOST_WIRES, those of Z.
MOST_WIRES = 3
Rows = list[tuple[int, int]]  # the masks that X and Z of each wire come from
Case = tuple[tuple[int, int], ...]
# What gates make of (X, Z), up to signs.
TURNS: Sequence[tuple[tuple[str, ...], tuple[int, int], tuple[int, int]]] = (
    ((), (1, 0), (0, 1)),
    (("H",), (0, 1), (1, 0)),
    (("S",), (1, 1), (0, 1)),
    (("SX",), (1, 0), (1, 1)),
    (("H", "S"), (1, 1), (1, 0)),
    (("S", "H"), (0, 1), (1, 1)),
)


@dataclass
class CliffordCircuit:
    """Gates, a phase, and on which wire each wire's qubit ends."""

    gates: list[Gate]
    phase: float
    output: list[int]

    @property
    def cost(self) -> tuple[int, int]:
        """The number of CNOTs, and of other gates."""
        flips = sum(len(gate.wires) == 2 for gate in self.gates)
        return flips, len(self.gates) - flips


def case_of(rows: Rows) -> Case:
    """Return what is left of a Clifford gate without gates on one wire, and order."""
    found: list[tuple[int, int]] = []
    for x, z in rows:
        least, middle, _ = sorted((x, z, x ^ z))
        found.append((least, middle))
    return tuple(sorted(found))


def identity_rows(size: int) -> Rows:
    """Return the rows of the identity."""
    return [(1 << wire, 1 << wire + MOST_WIRES) for wire in range(size)]


@cache
def cases(size: int) -> dict[Case, tuple[Case, int, int] | None]:
    """Return for each case the one before its last CNOT, and the Paulis of that."""
    first = case_of(identity_rows(size))
    found: dict[Case, tuple[Case, int, int] | None] = {first: None}
    waiting = [first]
    for case in waiting:
        for p, q, after in _steps(case):
            if after not in found:
                found[after] = case, p, q
                waiting.append(after)
    return found


def _steps(case: Case) -> list[tuple[int, int, Case]]:
    """Return the cases one CNOT away: it multiplies what anticommutes with p by q."""
    found: list[tuple[int, int, Case]] = []
    for a, b in combinations(range(len(case)), 2):
        for p, over in _pairs(*case[a]):
            for q, under in _pairs(*case[b]):
                rows = list(case)
                rows[a], rows[b] = (p, over ^ q), (q, under ^ p)
                found.append((p, q, case_of(rows)))
    return found


def _pairs(x: int, z: int) -> tuple[tuple[int, int], ...]:
    return (x, z), (z, x), (x ^ z, z)


def clifford_circuit(
    gates: Sequence[Gate], size: int, rows: Rows, cost: tuple[int, int]
) -> CliffordCircuit | None:
    """Return a circuit with the fewest CNOTs, if it is of lower cost.

    Args:
        gates: gates on wires from 0, whose matrix the circuit has.
        size: the number of wires.
        rows: what X and Z of each wire come from.
        cost: how many CNOTs and other gates there are now.
    """
    path = _path(case_of(rows), size)
    if len(path) > cost[0]:
        return None
    made: list[Gate] = []
    now = identity_rows(size)
    for p, q in path:
        control = next(w for w, (x, z) in enumerate(now) if p in (x, z, x ^ z))
        target = next(w for w, (x, z) in enumerate(now) if q in (x, z, x ^ z))
        turn(now, control, made, z=p)
        turn(now, target, made, x=q)
        made.append(Gate("CNOT", (control, target)))
        (x, z), (u, v) = now[control], now[target]
        now[control], now[target] = (x ^ u, z), (u, v ^ z)
    sets = {frozenset((x, z, x ^ z)): wire for wire, (x, z) in enumerate(now)}
    output = [sets[frozenset((x, z, x ^ z))] for x, z in rows]
    for (x, z), wire in zip(rows, output, strict=True):
        turn(now, wire, made, x=x, z=z)
    if (len(path), len(made) - len(path)) >= cost:
        return None
    found = _with_paulis(gates, made, output)
    return None if found is None or found.cost >= cost else found


def _path(case: Case, size: int) -> list[tuple[int, int]]:
    """Return the Paulis of the CNOTs that lead to a case."""
    found: list[tuple[int, int]] = []
    while (step := cases(size)[case]) is not None:
        case, p, q = step
        found.append((p, q))
    return found[::-1]


def turn(
    now: Rows, wire: int, made: list[Gate], x: int | None = None, z: int | None = None
) -> None:
    """Add gates on a wire, after which X or Z, or both, come from these Paulis."""
    a, b = now[wire]
    for names, of_x, of_z in TURNS:
        rows = a * of_x[0] ^ b * of_x[1], a * of_z[0] ^ b * of_z[1]
        if x in (None, rows[0]) and z in (None, rows[1]):
            made += [Gate(name, wire) for name in names]
            now[wire] = rows
            return
    raise ValueError("no gate on one wire does that")


def _with_paulis(
    gates: Sequence[Gate], made: list[Gate], output: list[int]
) -> CliffordCircuit | None:
    """Add the Paulis and the phase by which gates differ from those made."""
    size = len(output)
    wanted = product(gates, range(size), {}).reshape((2,) * size + (-1,))
    wanted = np.moveaxis(wanted, range(size), output).reshape(2**size, 2**size)
    rest = wanted @ product(made, range(size), {}).conj().T
    flips = int(np.argmax(np.abs(rest[:, 0])))
    names: list[str] = []
    for wire in range(size):
        bit = 1 << size - 1 - wire
        negative = bool((rest[flips ^ bit, bit] / rest[flips, 0]).real < 0)
        flipped = bool(flips & bit)
        names.append(("IZ", "XY")[flipped][negative])
    paulis = [Gate(name, wire) for wire, name in enumerate(names) if name != "I"]
    found = product(paulis, range(size), {})
    phase = cmath.phase(rest[flips, 0] / found[flips, 0])
    if np.abs(cmath.exp(1j * phase) * found - rest).max() > 1e-12:
        return None
    return CliffordCircuit([*made, *paulis], phase, output)


def conjugated(rows: Rows, wires: Sequence[int], images: Rows) -> None:
    """Change rows as a gate does, given the images of X and Z of each of its wires."""
    before = [rows[wire] for wire in wires]
    for wire, image in zip(wires, images, strict=True):
        found = [0, 0]
        for kind, mask in enumerate(image):
            for place, (x, z) in enumerate(before):
                found[kind] ^= x * (mask >> place & 1)
                found[kind] ^= z * (mask >> place + MOST_WIRES & 1)
        rows[wire] = found[0], found[1]


@lru_cache(MOST)
def clifford_images(data: bytes, size: int) -> Rows | None:
    """Return U^-1 X U and U^-1 Z U of each wire, None if U is no Clifford gate."""
    matrix: ComplexMatrix = np.frombuffer(data, np.complex128).reshape(2**size, -1)
    found: Rows = []
    for wire in range(size):
        both = [_pauli_of(matrix, wire, size, name) for name in "XZ"]
        x, z = both
        if x is None or z is None:
            return None
        found.append((x, z))
    return found


def _pauli_of(matrix: ComplexMatrix, wire: int, size: int, name: str) -> int | None:
    """Return the mask of the Pauli U^-1 P U, None if it is none."""
    pauli = np.eye(1)
    for k in range(size):
        pauli = np.kron(pauli, PAULIS[name if k == wire else "I"])
    turned = matrix.conj().T @ pauli @ matrix
    flips = int(np.argmax(np.abs(turned[:, 0])))
    mask = 0
    found = np.eye(1)
    for k in range(size):
        bit = 1 << size - 1 - k
        if abs(turned[flips, 0]) < 0.9 or abs(turned[flips ^ bit, bit]) < 0.9:
            return None
        negative = bool((turned[flips ^ bit, bit] / turned[flips, 0]).real < 0)
        flipped = bool(flips & bit)
        mask |= flipped << k | (negative << k + MOST_WIRES)
        found = np.kron(found, PAULIS[("IZ", "XY")[flipped][negative]])
    phase = turned[flips, 0] / found[flips, 0]
    return None if np.abs(phase * found - turned).max() > 1e-12 else mask
