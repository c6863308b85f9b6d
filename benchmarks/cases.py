"""The benchmark cases, each written once for every framework.

A framework brings its own compiler and differentiation; the circuits use the
operation names that PennyLane and qjit share. They carry no annotations, which
both compilers would read as argument types.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import combinations
from operator import matmul
from pathlib import Path
from typing import Any, Protocol

import numpy as np

DATA = Path(__file__).parents[1] / "qjit" / "data"
STEPS = 100
SHOTS = 1000
Program = tuple[Callable[..., Any], tuple[Any, ...]]


class Framework(Protocol):
    """What a framework must offer to take part."""

    ops: Any

    def qnode(
        self, wires: int, shots: int | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return the decorator of quantum functions on `wires` wires."""
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

    def loop(self, steps: int, body: Callable[[Any], Any], initial: Any) -> Any:
        """Apply `body` to `initial` `steps` times, as a compiled loop."""
        ...


@dataclass(frozen=True)
class Case:
    """One comparison; a goal in microseconds, or as a ratio to the peer."""

    title: str
    build: Callable[[Framework, int], Program]  # of a framework and a round's number
    unit: str = "call"
    calls_per_run: int = 1
    compiles: bool = False  # time the compilation instead of the warm call
    goal_microseconds: float | None = None
    goal_ratio: float = 1.0  # of the fastest peer's time to qjit's
    goal_peer: str | None = None  # of that peer's time instead; ahead of all others
    peers: tuple[str, ...] = ("catalyst",)
    memory: bool = False  # also compare the memory that a run takes
    most_rounds: int | None = None
    tolerance: float = 1e-6  # how far results may differ; six deviations for shots


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


def hardware_efficient(framework: Framework, layers: int, wires: int) -> Any:
    """Return the energy of RY, RZ on every wire and a CNOT ring, layer by layer."""
    ops = framework.ops

    @framework.qnode(wires)
    def energy(theta):
        for layer in range(layers):
            for wire in range(wires):
                ops.RY(theta[layer, wire, 0], wires=wire)
                ops.RZ(theta[layer, wire, 1], wires=wire)
            for wire in range(wires):
                ops.CNOT(wires=[wire, (wire + 1) % wires])
        return ops.expval(ising(ops, wires))

    return energy


def descend(framework: Framework, energy: Any, theta: np.ndarray) -> Program:
    """Return a compiled loop of gradient-descent steps."""

    def step(theta):
        return theta - 0.05 * framework.grad(energy)(theta)

    def train(theta):
        return framework.loop(STEPS, step, theta)

    return framework.jit(train), (theta,)


def one_qubit(framework: Framework, _round: int) -> Program:
    """Build the smallest circuit there is: the price of a call."""
    ops = framework.ops

    @framework.qnode(1)
    def circuit(angle):
        ops.RX(angle, wires=0)
        return ops.expval(ops.Z(0))

    return framework.jit(circuit), (np.float64(0.3),)


def random_circuit(
    gates: int, differentiate: bool, framework: Framework, seed: int
) -> Program:
    """Build random gates on 10 wires, other ones in every round, or their gradient."""
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

    function = framework.grad(circuit) if differentiate else circuit
    return framework.jit(function), (random_parameters(gates // 3),)


def vqe_h2(framework: Framework, _round: int) -> Program:
    """Build the training of the hydrogen molecule's excitations."""
    ops, record = framework.ops, json.loads((DATA / "h2_sto3g.json").read_text())

    @framework.qnode(4)
    def energy(theta):
        ops.BasisState(np.array(record["hf_state"]), wires=range(4))
        ops.DoubleExcitation(theta[0], wires=[0, 1, 2, 3])
        ops.SingleExcitation(theta[1], wires=[0, 2])
        ops.SingleExcitation(theta[2], wires=[1, 3])
        return ops.expval(pauli_sum(ops, record["coefficients"], record["paulis"]))

    return descend(framework, energy, np.array([0.1, -0.2, 0.3]))


def vqe_ising(framework: Framework, _round: int) -> Program:
    """Build the training of an Ising ring of 8 spins."""
    energy = hardware_efficient(framework, 2, 8)
    return descend(framework, energy, random_parameters(2, 8, 2))


def layered(wires: int, framework: Framework, _round: int) -> Program:
    """Build ten layers of RY, RZ on every wire and a CNOT ring, and one value."""
    ops = framework.ops

    @framework.qnode(wires)
    def circuit(theta):
        for layer in range(10):
            for wire in range(wires):
                ops.RY(theta[layer, wire, 0], wires=wire)
                ops.RZ(theta[layer, wire, 1], wires=wire)
            for wire in range(wires):
                ops.CNOT(wires=[wire, (wire + 1) % wires])
        return ops.expval(ops.Z(0))

    return framework.jit(circuit), (random_parameters(10, wires, 2),)


def fourier(wires: int, framework: Framework, _round: int) -> Program:
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

    return framework.jit(circuit), (random_parameters(wires),)


def max_cut(wires: int, framework: Framework, _round: int) -> Program:
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

    return framework.jit(cost), (random_parameters(2, 4),)


def brickwork(wires: int, framework: Framework, _round: int) -> Program:
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

    return framework.jit(circuit), (random_parameters(20, wires),)


def gradient(wires: int, framework: Framework, _round: int) -> Program:
    """Build all gradients of five layers."""
    energy = hardware_efficient(framework, 5, wires)
    theta = random_parameters(5, wires, 2)
    return framework.jit(framework.grad(energy)), (theta,)


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


def uccsd(framework: Framework, _round: int) -> Program:
    """Build all gradients of lithium hydride's energy after all excitations."""
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

    theta = random_parameters(len(singles) + len(doubles)) / 10
    return framework.jit(framework.grad(energy)), (theta,)


def teleport(framework: Framework, _round: int) -> Program:
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
        return ops.expval(ops.PauliZ(0))

    return framework.jit(circuit), (np.float64(0.3),)


def dynamic(framework: Framework, _round: int) -> Program:
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
        return ops.expval(ops.PauliZ(0))

    return framework.jit(circuit), (random_parameters(10, 10),)


def power_iteration(framework: Framework, seed: int) -> Program:
    """Build 100 steps of the power method on a matrix of 200 rows."""
    import jax.numpy as jnp

    random = np.random.default_rng(seed)
    matrix = random.normal(size=(200, 200))

    def iterate(matrix, start):
        def step(vector):
            product = matrix @ vector
            return product / jnp.sqrt(jnp.sum(product**2))

        vector = framework.loop(STEPS, step, start)
        return vector @ (matrix @ vector)

    return framework.jit(iterate), (matrix @ matrix.T, random.normal(size=200))


def recurrence(framework: Framework, seed: int) -> Program:
    """Build a million steps of Newton's method for a root, with a little noise."""

    def iterate(x):
        def step(x):
            return 0.5 * (x + 2.0 / x) + 1e-9

        return framework.loop(1_000_000, step, x)

    return framework.jit(iterate), (np.float64(1 + seed),)


def adam(framework: Framework, seed: int) -> Program:
    """Build optax's Adam on 1,000 parameters."""
    import jax
    import jax.numpy as jnp
    import optax

    optimizer = optax.adam(0.01)

    def train(parameters):
        def step(carry):
            parameters, state = carry
            slope = jax.grad(lambda p: jnp.sum((p**2 - 1) ** 2))(parameters)
            updates, state = optimizer.update(slope, state)
            return optax.apply_updates(parameters, updates), state

        start = (parameters, optimizer.init(parameters))
        return framework.loop(STEPS, step, start)[0]

    start = np.random.default_rng(seed).normal(size=1000)
    return framework.jit(train), (start,)


# Classical loops, warm and from the Python function to the first result.
LOOPS: dict[str, Case] = {}
for _name, _title, _build, _steps in (
    ("power", "power iteration, 200 rows", power_iteration, STEPS),
    ("recurrence", "scalar recurrence", recurrence, 1_000_000),
    ("adam", "optax Adam, 1,000 parameters", adam, STEPS),
):
    shared: dict[str, Any] = {"goal_ratio": 1 / 1.5, "peers": ("jax", "catalyst")}
    LOOPS[_name] = Case(_title, _build, "step", _steps, **shared)
    LOOPS[f"{_name}-compile"] = Case(
        f"{_title}, compiled and run", _build, "program", compiles=True, **shared
    )

CASES = {
    "call": Case("warm call, 1 qubit", one_qubit, goal_microseconds=15),
    "compile": Case(
        "compile, 99 gates, 10 qubits",
        partial(random_circuit, 99, False),
        "compile",
        compiles=True,
    ),
    "vqe-h2": Case("VQE loop, H2, 4 qubits", vqe_h2, "step", STEPS, goal_ratio=5),
    "vqe-ising": Case(
        "VQE loop, Ising, 8 qubits", vqe_ising, "step", STEPS, goal_ratio=5
    ),
} | {
    "teleport": Case(
        "10 teleportations, 1,000 shots", teleport, goal_ratio=10, tolerance=0.27
    ),
    "dynamic": Case(
        "10 measured layers, 10 qubits, 1,000 shots",
        dynamic,
        goal_ratio=10,
        tolerance=0.27,
    ),
}

# TensorCircuit takes minutes to compile more qubits than 12.
GRADIENTS = {
    f"gradient-{wires}": Case(
        f"gradient, 5 layers, {wires} qubits",
        partial(gradient, wires),
        goal_ratio=4 if wires <= 16 else 1,
        goal_peer="catalyst",
        peers=(
            *("catalyst", "lightning", "qulacs"),
            *(("tensorcircuit",) if wires <= 12 else ()),
        ),
        most_rounds=9 if wires <= 16 else 3,
        memory=wires >= 16,
    )
    for wires in (4, 8, 12, 16, 20)
}
GRADIENTS["uccsd"] = Case(
    "gradient, UCCSD, LiH, 12 qubits",
    uccsd,
    goal_ratio=4,
    goal_peer="catalyst",
    peers=("catalyst", "lightning", "qulacs"),
    most_rounds=5,
)

STATES = {
    f"{name}-{wires}": Case(
        f"{title}, {wires} qubits",
        partial(build, wires),
        goal_ratio={16: 3, 20: 4, 24: 8}[wires],
        # At 24 qubits, the fastest at 20 that a core can run in a minute.
        peers=("direct", *(("catalyst", "qulacs") if wires <= 20 else ())),
        most_rounds={16: 9, 20: 5, 24: 2}[wires],
    )
    for name, title, build in (
        ("hea", "hardware-efficient, 10 layers", layered),
        ("qft", "quantum Fourier transform", fourier),
        ("qaoa", "QAOA of 4 layers, 3-regular graph", max_cut),
        ("random", "random circuit of depth 20", brickwork),
    )
    for wires in (16, 20, 24)
}

# Compile time against gate count, of circuits without a structure to find.
CASES |= {
    f"compile-{what}-{gates}": Case(
        f"compile, {what}, {gates} gates, 10 qubits",
        partial(random_circuit, gates, what == "gradient"),
        "compile",
        compiles=True,
        goal_microseconds=goal,
        most_rounds=1 if gates > 1000 else 3,
    )
    for what in ("circuit", "gradient")
    for gates, goal in ((99, 1e5), (990, 5e5), (9990, 4e6))
}

CASES |= LOOPS
CASES |= GRADIENTS
CASES |= STATES
