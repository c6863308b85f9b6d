"""The native runtime against a numpy state-vector simulator and finite differences."""

from __future__ import annotations

import ctypes
import functools
import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import binding

from qjit.runtime import library
from qjit.runtime.abi.symbols import SYMBOLS

DTYPE = {"c128": np.complex128, "c64": np.complex64}
TOLERANCE = {"c128": 1e-12, "c64": 1e-5}
ONE, DIAGONAL, TWO_LEVEL, DENSE, PAULI_ROT = range(5)
RX, RZ = 0, 1
PRECISIONS = pytest.mark.parametrize("suffix", ["c128", "c64"])

# Gate 0 is RX, a ONE gate; gate 1 is RZ, a DIAGONAL gate; gate 2 is RX on two levels or
# dense, by the kernel of its entry; gate 3 is a dense RX(a) x RX(b).
GATES = """
declare double @llvm.cos.f64(double)
declare double @llvm.sin.f64(double)

define void @__qjit__gate_matrix(i32 %gate, ptr %params, ptr %out) {
  %theta = load double, ptr %params
  %half = fmul double %theta, 5.0e-1
  %c = call double @llvm.cos.f64(double %half)
  %s = call double @llvm.sin.f64(double %half)
  %m = fneg double %s
  %is_rz = icmp eq i32 %gate, 1
  br i1 %is_rz, label %rz, label %rx
rz:
  call void @put(ptr %out, i64 0, double %c)
  call void @put(ptr %out, i64 1, double %m)
  call void @put(ptr %out, i64 2, double %c)
  call void @put(ptr %out, i64 3, double %s)
  ret void
rx:
  call void @put(ptr %out, i64 0, double %c)
  call void @put(ptr %out, i64 1, double 0.0)
  call void @put(ptr %out, i64 2, double 0.0)
  call void @put(ptr %out, i64 3, double %m)
  call void @put(ptr %out, i64 4, double 0.0)
  call void @put(ptr %out, i64 5, double %m)
  call void @put(ptr %out, i64 6, double %c)
  call void @put(ptr %out, i64 7, double 0.0)
  ret void
}

define void @__qjit__gate_gradient(i32 %gate, ptr %params, ptr %R, ptr %out) {
  %theta = load double, ptr %params
  %half = fmul double %theta, 5.0e-1
  %c = call double @llvm.cos.f64(double %half)
  %s = call double @llvm.sin.f64(double %half)
  %r0 = call double @get(ptr %R, i64 0)
  %r1 = call double @get(ptr %R, i64 1)
  %r2 = call double @get(ptr %R, i64 2)
  %r3 = call double @get(ptr %R, i64 3)
  %is_rz = icmp eq i32 %gate, 1
  br i1 %is_rz, label %rz, label %rx
rz:
  %za = fadd double %r0, %r2
  %zb = fmul double %za, %s
  %zc = fsub double %r1, %r3
  %zd = fmul double %zc, %c
  %ze = fsub double %zd, %zb
  store double %ze, ptr %out
  ret void
rx:
  %r5 = call double @get(ptr %R, i64 5)
  %r6 = call double @get(ptr %R, i64 6)
  %xa = fadd double %r0, %r6
  %xb = fmul double %xa, %s
  %xc = fadd double %r3, %r5
  %xd = fmul double %xc, %c
  %xe = fsub double %xd, %xb
  store double %xe, ptr %out
  ret void
}

define internal void @put(ptr %out, i64 %i, double %x) {
  %p = getelementptr double, ptr %out, i64 %i
  store double %x, ptr %p
  ret void
}

define internal double @get(ptr %in, i64 %i) {
  %p = getelementptr double, ptr %in, i64 %i
  %x = load double, ptr %p
  ret double %x
}
"""
C_TYPES: dict[str, Any] = {
    "ptr": ctypes.c_void_p,
    "i64": ctypes.c_int64,
    "i32": ctypes.c_int32,
    "double": ctypes.c_double,
    "void": None,
}


@functools.cache
def native() -> dict[str, Any]:
    """The runtime's functions, linked and callable."""
    builder = binding.JITLibraryBuilder()
    for part in {*map(library.part_of, library.owners())}:
        builder.add_object_img(library.runtime_object(part))
    builder.add_object_img(library.compile_ir(GATES)).add_current_process()
    names = {
        symbol.replace("_T", f"_{suffix}"): symbol
        for symbol in SYMBOLS
        for suffix in DTYPE
    }
    for name in names:
        builder.export_symbol(name)
    jit = binding.create_lljit_compiler()
    tracker = builder.link(jit, "runtime-test")
    functions: dict[str, Any] = {"keep": (jit, tracker)}
    for name, symbol in names.items():
        result, arguments = SYMBOLS[symbol].types
        types = map(C_TYPES.__getitem__, arguments)
        functions[name] = ctypes.CFUNCTYPE(C_TYPES[result], *types)(tracker[name])
    return functions


def pointer(array: np.ndarray | None) -> Any:
    """The address of an array's data."""
    return None if array is None else array.ctypes.data


def integers(values: Any, dtype: Any = np.int32) -> np.ndarray:
    """Integers for the runtime; never empty."""
    return np.array([*values, 0], dtype=dtype)


class Session:
    """A context and the functions of one precision."""

    def __init__(self, suffix: str, seed: int | None = 7) -> None:
        self.suffix = suffix
        self.dtype = DTYPE[suffix]
        self.context = native()["__qrt__context_new"](seed or 0, int(seed is not None))

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        native()["__qrt__context_free"](self.context)

    def call(self, name: str, *args: Any) -> Any:
        """Call a runtime function of this precision."""
        return native()[f"__qrt__{name}_{self.suffix}"](*args)

    def new(self, n: int) -> Any:
        """The state |0...0>."""
        return self.call("state_new", self.context, n)

    def load(self, amplitudes: np.ndarray) -> Any:
        """A state with given amplitudes."""
        n = int(amplitudes.size).bit_length() - 1
        state = self.new(n)
        data = np.ascontiguousarray(amplitudes, np.complex128)
        assert (
            self.call(
                "state_prep", state, n, pointer(integers(range(n))), pointer(data), 1, 0
            )
            == 0
        )
        return state

    def read(self, state: Any, n: int) -> np.ndarray:
        """A state's amplitudes."""
        out = np.empty(2**n, self.dtype)
        self.call("amplitudes", state, pointer(out))
        return out


@dataclass
class Gate:
    """One gate: for the native schedule, and as a matrix for the oracle."""

    kernel: int
    targets: list[int]
    params: list[float] = field(default_factory=list)
    controls: list[int] = field(default_factory=list)
    values: int = 0
    gate: int = -1
    adjoint: int = 0
    levels: tuple[int, int] = (0, 1)
    word: list[int] = field(default_factory=list)

    def matrix(self) -> np.ndarray:
        """The matrix on the targets."""
        full = self.target_matrix()
        return full.conj().T if self.adjoint else full

    def target_matrix(self) -> np.ndarray:
        size = 2 ** len(self.targets)
        if self.kernel == PAULI_ROT:
            return pauli_rotation(self.params[0], self.word)
        if self.gate == RZ:
            small = np.diag(np.exp(np.array([-0.5j, 0.5j]) * self.params[0]))
        elif self.gate == RX:
            small = pauli_rotation(self.params[0], [1])
        else:
            given = np.array(self.params).view(np.complex128)
            if self.kernel == DIAGONAL:
                return np.diag(given)
            small = given.reshape(int(np.sqrt(given.size)), -1)
        if self.kernel == TWO_LEVEL:
            full = np.eye(size, dtype=complex)
            full[np.ix_(self.levels, self.levels)] = small
            return full
        return small


PAULIS = [
    np.eye(2),
    np.array([[0, 1], [1, 0]]),
    np.array([[0, -1j], [1j, 0]]),
    np.diag([1, -1]),
]


def pauli_matrix(word: list[int]) -> np.ndarray:
    """Kronecker product of Pauli matrices."""
    return functools.reduce(np.kron, [PAULIS[letter] for letter in word], np.eye(1))


def pauli_rotation(theta: float, word: list[int]) -> np.ndarray:
    """exp(-i theta/2 P)."""
    full = pauli_matrix(word)
    return np.cos(theta / 2) * np.eye(len(full)) - 1j * np.sin(theta / 2) * full


def embed(matrix: np.ndarray, wires: list[int], n: int) -> np.ndarray:
    """A matrix on some wires as a matrix on all."""
    k = len(wires)
    rest = [wire for wire in range(n) if wire not in wires]
    full = np.kron(matrix, np.eye(2 ** (n - k))).reshape((2,) * (2 * n))
    order = np.argsort(wires + rest)
    return full.transpose([*order, *(order + n)]).reshape(2**n, 2**n)


def controlled(gate: Gate, n: int) -> np.ndarray:
    """A gate's matrix on all wires, with its controls."""
    c = len(gate.controls)
    size = 2 ** len(gate.targets)
    full = np.eye(2**c * size, dtype=complex)
    place = sum(((gate.values >> j) & 1) << (c - 1 - j) for j in range(c)) * size
    full[place : place + size, place : place + size] = gate.matrix()
    return embed(full, gate.controls + gate.targets, n)


@dataclass
class Schedule:
    """Gates as the tables that the runtime reads."""

    gates: list[Gate]

    def __post_init__(self) -> None:
        entries: list[list[int]] = []
        wires: list[int] = []
        params: list[float] = []
        slots: list[int] = []
        for number, g in enumerate(self.gates):
            counts = [len(g.params), len(g.targets), len(g.controls)]
            where = [len(wires), g.values, len(params), g.adjoint]
            entries.append([g.kernel, g.gate, *counts, *where, *g.levels, number + 1])
            wires += g.controls + g.targets + g.word
            params += g.params
            slots += [number if g.gate >= 0 else -1] * len(g.params)
        self.entries = np.array(entries, np.int32).reshape(-1, 12)
        self.wires, self.slots = integers(wires), integers(slots)
        self.params = np.array([*params, 0.0])

    def run(
        self, session: Session, state: Any, tape: Any = None, slots: bool = True
    ) -> int:
        """Run on a state."""
        given = (self.entries, self.wires, self.params, self.slots if slots else None)
        entries, wires, params, slot_table = (pointer(array) for array in given)
        count = len(self.gates)
        return session.call(
            "run", state, entries, count, wires, params, slot_table, tape
        )

    def oracle(self, vector: np.ndarray, n: int) -> np.ndarray:
        """The same by matrices."""
        for gate in self.gates:
            vector = controlled(gate, n) @ vector
        return vector


def random_unitary(rng: np.random.Generator, size: int, style: int = 0) -> np.ndarray:
    """A random unitary: style 1 is real, style 2 real only on its diagonal."""
    if style and size == 2:
        c, s = np.cos(t := rng.normal()), np.sin(t)
        return (
            np.array([[c, -s], [s, c]])
            if style == 1
            else np.array([[c, 1j * s], [1j * s, c]])
        )
    return np.linalg.qr(
        rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    )[0]


def random_vector(rng: np.random.Generator, n: int) -> np.ndarray:
    """A random normalised state."""
    vector = rng.normal(size=2**n) + 1j * rng.normal(size=2**n)
    return vector / np.linalg.norm(vector)


def flat(matrix: np.ndarray) -> list[float]:
    """A complex array as interleaved doubles."""
    return np.ascontiguousarray(matrix, np.complex128).ravel().view(np.float64).tolist()


def random_gate(rng: np.random.Generator, n: int, parametric: bool = False) -> Gate:
    """A random gate of any kernel on any wires, with any controls."""
    kernel = int(rng.integers(5))
    limit = {ONE: 1, DENSE: 3}.get(kernel, 4)
    k = int(rng.integers(1, min(limit, n) + 1))
    kept = rng.permutation(n).tolist()
    controls = kept[k : k + int(rng.integers(0, min(n - k, 3) + 1))]
    gate = Gate(kernel, kept[:k], controls=controls, adjoint=int(rng.integers(2)))
    gate.values = int(rng.integers(2 ** len(controls)))
    if kernel == TWO_LEVEL:
        a, b = rng.permutation(2**k)[:2].tolist()
        gate.levels = (a, b)
    angle = float(rng.normal())
    if kernel == PAULI_ROT:
        gate.word = rng.integers(0, 4, k).tolist()
        gate.params, gate.gate = [angle], 0
    elif parametric and rng.integers(4):
        gate.params, gate.gate = [angle], RZ if kernel == DIAGONAL else RX
        if kernel in (DIAGONAL, DENSE):
            gate.targets = gate.targets[:1]
    elif kernel == DIAGONAL:
        gate.params = flat(np.exp(1j * rng.normal(size=2**k)))
    else:
        size = 2**k if kernel == DENSE else 2
        gate.params = flat(random_unitary(rng, size, int(rng.integers(3))))
    return gate


def assert_close(actual: Any, expected: Any, suffix: str, factor: float = 1) -> None:
    """Equality to the precision's tolerance."""
    np.testing.assert_allclose(
        actual, expected, rtol=0, atol=TOLERANCE[suffix] * factor
    )


SIZES = st.integers(1, 7)
SEEDS = st.integers(0, 2**32 - 1)


@PRECISIONS
@settings(max_examples=300, deadline=None)
@given(n=SIZES, seed=SEEDS)
def test_every_kernel_agrees_with_the_oracle(suffix: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    schedule = Schedule([random_gate(rng, n, parametric=True) for _ in range(4)])
    vector = random_vector(rng, n)
    with Session(suffix) as session:
        state = session.load(vector)
        assert schedule.run(session, state) == 0
        assert_close(session.read(state, n), schedule.oracle(vector, n), suffix)


@PRECISIONS
@pytest.mark.parametrize("n", range(1, 8))
def test_one_on_every_wire_with_every_control(suffix: str, n: int) -> None:
    rng = np.random.default_rng(n)
    vector = random_vector(rng, n)
    for wires in itertools.chain(
        *(itertools.permutations(range(n), k) for k in (1, 2))
    ):
        for style in range(3):
            matrix = flat(random_unitary(rng, 2, style))
            value = int(rng.integers(2))
            gate = Gate(ONE, [wires[0]], matrix, controls=list(wires[1:]), values=value)
            with Session(suffix) as session:
                state = session.load(vector)
                assert Schedule([gate]).run(session, state) == 0
                expected = controlled(gate, n) @ vector
                assert_close(session.read(state, n), expected, suffix)


def random_terms(rng: np.random.Generator, n: int, count: int) -> list[list[int]]:
    """Pauli words, those with equal flips together."""
    words = rng.integers(0, 4, (count, n)).tolist()
    words += [[0] * n] + [[3 if i == j else 0 for i in range(n)] for j in range(n)]
    return sorted(words, key=masks)


def masks(word: list[int]) -> tuple[int, int]:
    """The flip and sign masks of a word."""
    n = len(word)
    x = sum((letter in (1, 2)) << (n - 1 - wire) for wire, letter in enumerate(word))
    z = sum((letter in (2, 3)) << (n - 1 - wire) for wire, letter in enumerate(word))
    return x, z


@PRECISIONS
@settings(max_examples=80, deadline=None)
@given(n=st.integers(1, 11), seed=SEEDS)
def test_pauli_sums(suffix: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = random_terms(rng, n, 4)
    xs, zs = (
        np.array(column, np.int64) for column in zip(*map(masks, words), strict=True)
    )
    factors = rng.normal(size=len(words))
    vector, bra = random_vector(rng, n), random_vector(rng, n)
    applied = [apply_word(word, vector) for word in words]
    values = [np.vdot(vector, image).real for image in applied]
    with Session(suffix) as session:
        state, other = session.load(vector), session.load(bra)
        given_terms = (len(words), pointer(xs), pointer(zs))
        out = np.empty(len(words))
        session.call("pauli_expvals", state, *given_terms, pointer(out))
        assert_close(out, values, suffix)
        total = session.call("pauli_expval", state, *given_terms, pointer(factors))
        assert_close(total, factors @ values, suffix, 10)
        session.call("pauli_apply", state, other, *given_terms, pointer(factors))
        expected = bra + sum(
            f * image for f, image in zip(factors, applied, strict=True)
        )
        assert_close(session.read(other, n), expected, suffix, 10)


def apply_word(word: list[int], vector: np.ndarray) -> np.ndarray:
    """A Pauli word applied to a state, wire by wire."""
    tensor = vector.reshape((2,) * len(word))
    for wire, letter in enumerate(word):
        tensor = np.moveaxis(np.tensordot(PAULIS[letter], tensor, (1, wire)), 0, wire)
    return tensor.ravel()


@PRECISIONS
@settings(max_examples=150, deadline=None)
@given(n=SIZES, seed=SEEDS)
def test_adjoint_agrees_with_finite_differences(suffix: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    gates = [random_gate(rng, n, parametric=True) for _ in range(5)]
    vector = random_vector(rng, n)
    words = random_terms(rng, n, 2)
    factors = rng.normal(size=len(words))
    xs, zs = (
        np.array(column, np.int64) for column in zip(*map(masks, words), strict=True)
    )
    observable = sum(f * pauli_matrix(w) for f, w in zip(factors, words, strict=True))
    schedules = [Schedule(gates[:2]), Schedule(gates[2:])]
    schedules[1].slots[: len(schedules[1].params)] += 2 * (schedules[1].slots >= 0)
    grads = np.zeros(len(gates))
    with Session(suffix) as session:
        state = session.load(vector)
        bra = session.call("state_blank", session.context, state)
        tape = native()["__qrt__tape_new"](session.context)
        for schedule in schedules:
            assert schedule.run(session, state, tape) == 0
            schedule.params[:] = np.nan
        given_terms = (len(words), pointer(xs), pointer(zs), pointer(factors))
        session.call("pauli_apply", state, bra, *given_terms)
        session.call("adjoint", tape, state, bra, pointer(grads))
        assert_close(session.read(state, n), vector, suffix, 3)

    def energy(number: int, shift: float) -> float:
        moved = [Gate(**vars(gate)) for gate in gates]
        moved[number].params = [gates[number].params[0] + shift]
        final = Schedule(moved).oracle(vector, n)
        return float(np.vdot(final, observable @ final).real)

    for number, gate in enumerate(gates):
        step = 1e-4
        slope = 0.0
        if gate.gate >= 0:
            slope = (energy(number, step) - energy(number, -step)) / (2 * step)
        assert abs(grads[number] - slope) < (1e-6 if suffix == "c128" else 3e-4)


@PRECISIONS
@settings(max_examples=80, deadline=None)
@given(n=SIZES, seed=SEEDS)
def test_probabilities_and_density_matrices(suffix: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vector = random_vector(rng, n)
    k = int(rng.integers(0, n + 1))
    wires = rng.permutation(n)[:k].tolist()
    rest = [wire for wire in range(n) if wire not in wires]
    split = vector.reshape((2,) * n).transpose(wires + rest).reshape(2**k, -1)
    with Session(suffix) as session:
        state = session.load(vector)
        for chosen in (wires, list(range(n))):
            out = np.empty(2 ** len(chosen), session.dtype(0).real.dtype)
            assert (
                session.call(
                    "probs", state, len(chosen), pointer(integers(chosen)), pointer(out)
                )
                == 0
            )
            full = np.abs(split) ** 2
            expected = full.sum(1) if chosen is wires else np.abs(vector) ** 2
            assert_close(out, expected, suffix)
        rho = np.empty((2**k, 2**k), session.dtype)
        args = (state, k, pointer(integers(wires)), pointer(rho))
        assert session.call("density_matrix", *args) == 0
        assert_close(rho, split @ split.conj().T, suffix)


@PRECISIONS
@settings(max_examples=80, deadline=None)
@given(n=SIZES, seed=SEEDS)
def test_preparing_some_wires_of_a_state(suffix: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(0, n + 1))
    wires = rng.permutation(n).tolist()
    first, second = random_vector(rng, k), random_vector(rng, n - k)
    with Session(suffix) as session:
        state = session.new(n)
        for vector, chosen in ((first, wires[:k]), (second, wires[k:])):
            args = (len(chosen), pointer(integers(chosen)), pointer(vector), 1, 0)
            assert session.call("state_prep", state, *args) == 0
        expected = np.kron(first, second).reshape((2,) * n).transpose(np.argsort(wires))
        assert_close(session.read(state, n), expected.ravel(), suffix)


@PRECISIONS
@settings(max_examples=80, deadline=None)
@given(n=SIZES, seed=SEEDS)
def test_any_matrix_and_whole_state_arithmetic(suffix: str, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, min(n, 4) + 1))
    wires = rng.permutation(n)[:k].tolist()
    matrix = rng.normal(size=(2**k, 2**k)) + 1j * rng.normal(size=(2**k, 2**k))
    x, y = random_vector(rng, n), random_vector(rng, n)
    with Session(suffix) as session:
        a, b = session.load(x), session.load(y)
        copy = session.call("state_copy", session.context, a)
        session.call("apply_matrix", copy, k, pointer(integers(wires)), pointer(matrix))
        expected = embed(matrix, wires, n) @ x
        assert_close(session.read(copy, n), expected, suffix, 10)
        out = np.empty(2)
        session.call("dot", a, b, pointer(out))
        assert_close(complex(*out), np.vdot(x, y), suffix)
        session.call("axpy", 0.3, a, b)
        assert_close(session.read(b, n), y + 0.3 * x, suffix)
        assert_close(session.read(a, n), x, suffix)
        session.call("state_free", session.context, copy)


@PRECISIONS
@pytest.mark.parametrize("n", [1, 2, 15, 16])
def test_states_are_taken_in_chunks(suffix: str, n: int) -> None:
    rng = np.random.default_rng(n)
    x, y = random_vector(rng, n), random_vector(rng, n)
    with Session(suffix) as session:
        a, b = session.load(x), session.load(y)
        out = np.empty(2)
        session.call("dot", a, b, pointer(out))
        assert_close(complex(*out), np.vdot(x, y), suffix)
        session.call("axpy", 0.3, a, b)
        assert_close(session.read(b, n), y + 0.3 * x, suffix)
        blank = session.call("state_blank", session.context, a)
        assert not session.read(blank, n).any()
        for size in range(1, 5):  # one fills a register, and leaves it on the stack
            other = session.load(random_vector(rng, size))
            session.call("add_amplitudes", other, pointer(random_vector(rng, size)))
        session.call("add_amplitudes", blank, pointer(y))
        session.call("add_amplitudes", blank, pointer(x))
        assert_close(session.read(blank, n), x + y, suffix)
        session.call("dot", blank, blank, pointer(out))
        assert_close(out[0], np.linalg.norm(x + y) ** 2, suffix)
        copy = session.call("state_copy", session.context, a)
        assert_close(session.read(copy, n), x, suffix)


@PRECISIONS
@settings(max_examples=30, deadline=None)
@given(n=st.sampled_from([15, 16]), few=st.booleans(), seed=SEEDS)
def test_probabilities_of_large_states(
    suffix: str, n: int, few: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    vector = random_vector(rng, n)
    k = int(rng.integers(0, 6 if few else n + 1))
    wires = rng.permutation(n)[:k].tolist()
    axes = [*wires, *(wire for wire in range(n) if wire not in wires)]
    split = vector.reshape((2,) * n).transpose(axes).reshape(2**k, -1)
    with Session(suffix) as session:
        state = session.load(vector)
        out = np.empty(2**k, session.dtype(0).real.dtype)
        args = (state, k, pointer(integers(wires)), pointer(out))
        assert session.call("probs", *args) == 0
        assert_close(out, (np.abs(split) ** 2).sum(1), suffix)


@PRECISIONS
@pytest.mark.parametrize("n", [1, 3, 6])
def test_measurement_collapses_and_resets(suffix: str, n: int) -> None:
    rng = np.random.default_rng(n)
    vector = random_vector(rng, n)
    outcome = np.zeros(1, np.int32)
    for wire, reset, postselect in itertools.product(range(n), (0, 1), (-1, 0, 1)):
        with Session(suffix, seed=wire) as session:
            state = session.load(vector)
            args = (wire, postselect, reset, 9, pointer(outcome), None)
            assert session.call("measure", session.context, state, *args) == 0
            kept = np.moveaxis(vector.reshape((2,) * n).copy(), wire, 0)
            kept[1 - outcome[0]] = 0
            kept /= np.linalg.norm(kept)
            if reset and outcome[0]:
                kept = kept[::-1]
            expected = np.moveaxis(kept, 0, wire).ravel()
            assert_close(session.read(state, n), expected, suffix)
            if postselect >= 0:
                assert outcome[0] == postselect
            else:
                other = 1 - (0 if reset else outcome[0])
                args = (wire, other, 0, 9, pointer(outcome), None)
                status = session.call("measure", session.context, state, *args)
                assert status == 7 | 9 << 8


@PRECISIONS
@pytest.mark.parametrize("n", [1, 2, 5])
def test_samples_follow_the_probabilities(suffix: str, n: int) -> None:
    rng = np.random.default_rng(n)
    vector = random_vector(rng, n)
    vector[0] = 0
    vector /= np.linalg.norm(vector)
    shots = 200_000
    wires = list(reversed(range(n)))
    results = []
    for seed in (1, 1, None):
        out = np.empty((shots, n), np.int64)
        with Session(suffix, seed) as session:
            args = (
                session.load(vector),
                shots,
                n,
                pointer(integers(wires)),
                pointer(out),
            )
            assert session.call("sample", session.context, *args) == 0
        results.append(out)
    assert np.array_equal(results[0], results[1])
    assert n == 1 or not np.array_equal(results[0], results[2])
    for out in results:
        index = (out[:, ::-1] << np.arange(n)[::-1]).sum(1)
        frequency = np.bincount(index, minlength=2**n) / shots
        assert frequency[0] == 0
        assert np.abs(frequency - np.abs(vector) ** 2).max() < 0.006


def test_measurement_outcomes_follow_the_probabilities() -> None:
    outcome = np.zeros(1, np.int32)
    ones = 0
    with Session("c128") as session:
        for _ in range(4000):
            state = session.load(np.array([0.6, 0.8]))
            session.call(
                "measure", session.context, state, 0, -1, 0, 0, pointer(outcome), None
            )
            ones += int(outcome[0])
            session.call("state_free", session.context, state)
    assert abs(ones / 4000 - 0.64) < 0.04


@PRECISIONS
@pytest.mark.parametrize(
    ("gate", "code"),
    [
        (Gate(ONE, [3], flat(np.eye(2))), 1),
        (Gate(ONE, [-1], flat(np.eye(2))), 1),
        (Gate(ONE, [1], flat(np.eye(2)), controls=[1]), 2),
        (Gate(ONE, [1], [np.nan], gate=RX), 3),
        (Gate(PAULI_ROT, [1], [np.inf], word=[3]), 3),
        (Gate(ONE, [1], flat(np.ones((2, 2)))), 4),
        (Gate(DIAGONAL, [1], flat(np.array([1, 2]))), 4),
        (Gate(DENSE, [0, 1], flat(np.ones((4, 4)))), 4),
        (Gate(TWO_LEVEL, [0, 1], flat(np.diag([1, 1.1]))), 4),
    ],
)
def test_faulty_entries_are_refused_with_their_location(
    suffix: str, gate: Gate, code: int
) -> None:
    fine = Gate(ONE, [0], flat(PAULIS[1]))
    with Session(suffix) as session:
        assert Schedule([fine, gate]).run(session, session.new(3)) == code | 2 << 8


@PRECISIONS
def test_faulty_preparations_are_refused(suffix: str) -> None:
    with Session(suffix) as session:
        state = session.new(2)

        def prepare(wires: list[int], amplitudes: list[float]) -> int:
            data = np.array(amplitudes, np.complex128)
            args = (len(wires), pointer(integers(wires)), pointer(data), 1, 5)
            return session.call("state_prep", state, *args)

        assert prepare([0], [1, 1]) == 5 | 5 << 8
        assert prepare([2], [1, 0]) == 1 | 5 << 8
        assert prepare([0, 0], [1, 0, 0, 0]) == 2 | 5 << 8
        assert prepare([0], [np.nan, 0]) == 3 | 5 << 8


@PRECISIONS
def test_a_phase_on_no_target(suffix: str) -> None:
    vector = random_vector(np.random.default_rng(0), 5)
    phase = [float(np.cos(0.3)), float(np.sin(0.3))]
    schedule = Schedule(
        [
            Gate(DIAGONAL, [], phase),
            Gate(DIAGONAL, [], phase, controls=[0, 4], values=1),
        ]
    )
    with Session(suffix) as session:
        state = session.load(vector)
        assert schedule.run(session, state) == 0
        assert_close(session.read(state, 5), schedule.oracle(vector, 5), suffix)


def test_too_large_a_state_is_null() -> None:
    with Session("c128") as session:
        assert session.new(60) is None


def test_big_states_are_reused() -> None:
    with Session("c128") as session:
        first = session.new(16)
        session.call("state_free", session.context, first)
        assert session.new(16) == first
