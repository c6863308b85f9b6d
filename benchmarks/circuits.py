"""The circuits of the cases, each written once for every framework.

They use the operation names that PennyLane and qjit share, and carry no annotations,
which both compilers would read as argument types. Each is returned with its angles.
"""

import json
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import combinations
from operator import matmul
from pathlib import Path
from typing import Any

import numpy as np
from comparison import Framework

DATA = Path(__file__).parents[1] / "qjit" / "data"
SHOTS = 1000
Circuit = tuple[Callable[..., Any], np.ndarray]


def random_parameters(*shape: int) -> np.ndarray:
    """Return the same angles in [0, 2 pi) for every framework."""
    return np.random.default_rng(7).uniform(0, 2 * np.pi, shape)


def pauli_sum(ops: Any, coefficients: Sequence[float], words: Sequence[str]) -> Any:
    """Return the Hamiltonian of dense Pauli words."""
    letters = {"X": ops.X, "Y": ops.Y, "Z": ops.Z}
    products = [
        [letters[letter](wire) for wire, letter in enumerate(word) if letter != "I"]
        for word in words
    ]
    terms = [reduce(matmul, factors) if factors else ops.I(0) for factors in products]
    return ops.Hamiltonian(list(coefficients), terms)


def ising(ops: Any, wires: int) -> Any:
    """Return the transverse-field Ising Hamiltonian on a ring."""
    bonds = [ops.Z(wire) @ ops.Z((wire + 1) % wires) for wire in range(wires)]
    fields = [ops.X(wire) for wire in range(wires)]
    return ops.Hamiltonian([-1.0] * wires + [-0.7] * wires, bonds + fields)


def layers_of(ops: Any, layers: int, wires: int, theta: Any) -> None:
    """Apply RY, RZ on every wire and a ring of CNOTs, layer by layer."""
    for layer in range(layers):
        for wire in range(wires):
            ops.RY(theta[layer, wire, 0], wires=wire)
            ops.RZ(theta[layer, wire, 1], wires=wire)
        for wire in range(wires):
            ops.CNOT(wires=[wire, (wire + 1) % wires])


def one_qubit(framework: Framework) -> Circuit:
    """Build the smallest circuit there is."""
    ops = framework.ops

    @framework.qnode(1)
    def circuit(angle):
        ops.RX(angle, wires=0)
        return ops.expval(ops.Z(0))

    return circuit, np.float64(0.3)


def layered(wires: int, framework: Framework, layers: int = 10) -> Circuit:
    """Build a hardware-efficient circuit of one value."""
    ops = framework.ops

    @framework.qnode(wires)
    def circuit(theta):
        layers_of(ops, layers, wires, theta)
        return ops.expval(ops.Z(0))

    return circuit, random_parameters(layers, wires, 2)


def ising_energy(wires: int, layers: int, framework: Framework) -> Circuit:
    """Build the energy of an Ising ring after a hardware-efficient circuit."""
    ops = framework.ops

    @framework.qnode(wires)
    def energy(theta):
        layers_of(ops, layers, wires, theta)
        return ops.expval(ising(ops, wires))

    return energy, random_parameters(layers, wires, 2)


def three_values(wires: int, layers: int, framework: Framework) -> Circuit:
    """Build a hardware-efficient circuit of three values."""
    ops = framework.ops

    @framework.qnode(wires)
    def circuit(theta):
        layers_of(ops, layers, wires, theta)
        return tuple(ops.expval(ops.Z(wire)) for wire in range(3))

    return circuit, random_parameters(layers, wires, 2)


def sampled(wires: int, shots: int, framework: Framework) -> Circuit:
    """Build a hardware-efficient circuit whose result is its samples."""
    ops = framework.ops

    @framework.qnode(wires, shots)
    def circuit(theta):
        layers_of(ops, 10, wires, theta)
        return ops.sample(wires=list(range(wires)))

    return circuit, random_parameters(10, wires, 2)


def fourier(wires: int, framework: Framework) -> Circuit:
    """Build the Fourier transform of a product state."""
    ops = framework.ops

    @framework.qnode(wires)
    def circuit(theta):
        for wire in range(wires):
            ops.RY(theta[wire], wires=wire)
        for wire in range(wires):
            ops.Hadamard(wires=wire)
            for other in range(wire + 1, wires):
                angle = 2 * np.pi / 2 ** (other - wire + 1)
                ops.ControlledPhaseShift(angle, wires=[other, wire])
        for wire in range(wires // 2):
            ops.SWAP(wires=[wire, wires - 1 - wire])
        return ops.expval(ops.Z(0))

    return circuit, random_parameters(wires)


def max_cut(wires: int, framework: Framework) -> Circuit:
    """Build QAOA for the cut of a random graph whose nodes have three neighbours."""
    ops, random = framework.ops, np.random.default_rng(11)
    edges: set[tuple[int, int]] = set()
    while len(edges) < 3 * wires // 2:
        ends = random.permutation(np.repeat(np.arange(wires), 3)).reshape(-1, 2)
        edges = {(int(min(e)), int(max(e))) for e in ends if e[0] != e[1]}
    bonds = sorted(edges)

    @framework.qnode(wires)
    def cost(theta):
        for wire in range(wires):
            ops.Hadamard(wires=wire)
        for layer in range(4):
            for edge in bonds:
                ops.IsingZZ(theta[0, layer], wires=list(edge))
            for wire in range(wires):
                ops.RX(2.0 * theta[1, layer], wires=wire)
        words = [ops.Z(a) @ ops.Z(b) for a, b in bonds]
        return ops.expval(ops.Hamiltonian([0.5] * len(bonds), words))

    return cost, random_parameters(2, 4)


def brickwork(wires: int, framework: Framework) -> Circuit:
    """Build 20 layers of random rotations, and CZ gates between neighbours in turn."""
    ops, random = framework.ops, np.random.default_rng(5)
    axes = random.integers(3, size=(20, wires))

    @framework.qnode(wires)
    def circuit(theta):
        for layer in range(20):
            for wire in range(wires):
                rotation = (ops.RX, ops.RY, ops.RZ)[axes[layer, wire]]
                rotation(theta[layer, wire], wires=wire)
            for wire in range(layer % 2, wires - 1, 2):
                ops.CZ(wires=[wire, wire + 1])
        return ops.expval(ops.Z(0))

    return circuit, random_parameters(20, wires)


FAMILIES = {
    "hea": ("hardware-efficient, 10 layers", layered),
    "qft": ("quantum Fourier transform", fourier),
    "qaoa": ("QAOA of 4 layers, 3-regular graph", max_cut),
    "random": ("random circuit of depth 20", brickwork),
}


def random_gates(gates: int, framework: Framework, seed: int) -> Circuit:
    """Build random gates on 10 wires, other ones for every seed."""
    ops, random = framework.ops, np.random.default_rng(seed)
    rotations = (ops.RX, ops.RY, ops.RZ)
    choices = [
        (int(random.integers(3)), *map(int, random.permutation(10)[:2]))
        for _ in range(gates // 3)
    ]

    @framework.qnode(10)
    def circuit(theta):
        for index, (rotation, first, second) in enumerate(choices):
            rotations[rotation](theta[index], wires=first)
            ops.Hadamard(wires=second)
            ops.CNOT(wires=[first, second])
        return ops.expval(ops.Z(0))

    return circuit, random_parameters(gates // 3)


def hydrogen(framework: Framework) -> Circuit:
    """Build the hydrogen molecule's energy after its excitations."""
    ops, record = framework.ops, json.loads((DATA / "h2_sto3g.json").read_text())

    @framework.qnode(4)
    def energy(theta):
        ops.BasisState(np.array(record["hf_state"]), wires=range(4))
        ops.DoubleExcitation(theta[0], wires=[0, 1, 2, 3])
        ops.SingleExcitation(theta[1], wires=[0, 2])
        ops.SingleExcitation(theta[2], wires=[1, 3])
        return ops.expval(pauli_sum(ops, record["coefficients"], record["paulis"]))

    return energy, np.array([0.1, -0.2, 0.3])


def excitations(electrons: int, wires: int) -> tuple[list[Any], list[Any]]:
    """Return the wires of single and double excitations that keep the spin."""
    full, empty = range(electrons), range(electrons, wires)
    singles = [(a, b) for a in full for b in empty if (b - a) % 2 == 0]
    doubles = [
        (a, b, c, d)
        for a, b in combinations(full, 2)
        for c, d in combinations(empty, 2)
        if a % 2 + b % 2 == c % 2 + d % 2
    ]
    return singles, doubles


def lithium_hydride(framework: Framework) -> Circuit:
    """Build lithium hydride's energy after all excitations."""
    ops, record = framework.ops, json.loads((DATA / "lih_sto3g.json").read_text())
    wires = record["qubits"]
    singles, doubles = excitations(record["electrons"], wires)

    @framework.qnode(wires)
    def energy(theta):
        ops.BasisState(np.array(record["hf_state"]), wires=range(wires))
        for index, on in enumerate(doubles):
            ops.DoubleExcitation(theta[index], wires=on)
        for index, on in enumerate(singles, start=len(doubles)):
            ops.SingleExcitation(theta[index], wires=on)
        return ops.expval(pauli_sum(ops, record["coefficients"], record["paulis"]))

    return energy, random_parameters(len(singles) + len(doubles)) / 10


def teleport(framework: Framework) -> Circuit:
    """Build ten teleportations of one qubit, one after another."""
    ops = framework.ops

    @framework.qnode(3, SHOTS)
    def circuit(angle):
        for _ in range(10):
            ops.RY(angle, wires=0)
            ops.Hadamard(wires=1)
            ops.CNOT(wires=[1, 2])
            ops.CNOT(wires=[0, 1])
            ops.Hadamard(wires=0)
            phase = framework.measure(0, reset=True)
            flip = framework.measure(1, reset=True)
            framework.when(flip, lambda: ops.PauliX(wires=2))
            framework.when(phase, lambda: ops.PauliZ(wires=2))
            ops.SWAP(wires=[0, 2])
        return ops.expval(ops.Z(0))

    return circuit, np.float64(0.3)


def measured(framework: Framework) -> Circuit:
    """Build ten layers on 10 wires with a measurement and a correction each."""
    ops = framework.ops

    @framework.qnode(10, SHOTS)
    def circuit(theta):
        for layer in range(10):
            for wire in range(10):
                ops.RY(theta[layer, wire], wires=wire)
            for wire in range(10):
                ops.CNOT(wires=[wire, (wire + 1) % 10])
            outcome = framework.measure(layer)
            after = (layer + 1) % 10
            framework.when(outcome, lambda wire=after: ops.PauliX(wires=wire))
        return ops.expval(ops.Z(0))

    return circuit, random_parameters(10, 10)
