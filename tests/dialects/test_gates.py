"""Every gate record against PennyLane, against calculus, and against native code."""

import ctypes
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from qjit.dialects.gates import GATE_INDEX, GATES, GateRecord, Kernel, Step, find_gate
from qjit.dialects.gates.fourier import Angle, ComplexMatrix
from qjit.lowering.native.gate_matrices import gate_library_ir
from tests.support.paths import ROOT

# Untyped packages, so that the checker asks nothing of them.
llvm: Any = importlib.import_module("llvmlite.binding")
qml: Any = importlib.import_module("pennylane")
expm: Any = importlib.import_module("scipy.linalg").expm

UNITARY = [record for record in GATES.values() if record.definition is not None]
# Other gates are tested by their matrices, which are what a record is made of.
PENNYLANES = [record for record in UNITARY if hasattr(qml, record.name)]
FIXED = [record for record in UNITARY if record.num_wires is not None]
NATIVE = [record for record in UNITARY if record.in_library]
DECOMPOSED = [record for record in UNITARY if record.decomposition is not None]
PRIMITIVE = {"RY", "RZ", "CNOT", "GlobalPhase"}

# PennyLane has no parameter_frequencies for these.
UNKNOWN = {"GlobalPhase", "U2", "U3", "PSWAP"}

each = pytest.mark.parametrize


def each_gate(records: Sequence[GateRecord]) -> pytest.MarkDecorator:
    """Runs the test once for each record."""
    return each("record", records, ids=[record.name for record in records])


def typical(record: GateRecord) -> tuple[list[float], dict[str, Any]]:
    """Some parameters, none of them special, and the record's own example."""
    params = np.random.default_rng(GATE_INDEX[record.name]).uniform(-4, 4, 3)
    return params[: record.num_params].tolist(), dict(record.example)


def full(record: GateRecord, params: Sequence[float], **static: Any) -> ComplexMatrix:
    """The record's matrix on all its wires, under two controls where any may be."""
    controls = {"num_controls": 2} if record.num_controls is None else {}
    return record.full_matrix(params, **static, **controls)


def peer(record: GateRecord, params: Sequence[float]) -> ComplexMatrix:
    """PennyLane's matrix of the same gate."""
    wires = range(len(full(record, params, **record.example)).bit_length() - 1)
    operation = getattr(qml, record.name)
    if record.name == "MultiControlledX":
        return qml.matrix(qml.MultiControlledX(wires=range(3)))
    if record.name == "ControlledQubitUnitary":
        unitary = record.example["unitary"]
        return qml.matrix(qml.ControlledQubitUnitary(unitary, wires=range(3)))
    if record.name == "GlobalPhase":
        return operation.compute_matrix(*params, n_wires=0).reshape(1, 1)
    if record.name == "PCPhase":
        return qml.matrix(operation(*params, dim=record.example["dim"], wires=wires))
    if record.name in {"QubitUnitary", "DiagonalQubitUnitary"}:
        return qml.matrix(operation(*record.example.values(), wires=wires))
    if record.name == "PauliRot":
        word = record.example["pauli_word"]
        return qml.matrix(operation(*params, word, wires=wires), wire_order=wires)
    return qml.matrix(operation(*params, wires=wires), wire_order=wires)


@each_gate(PENNYLANES)
def test_matrix_is_pennylanes(record: GateRecord) -> None:
    params, static = typical(record)
    np.testing.assert_allclose(
        full(record, params, **static), peer(record, params), atol=1e-14
    )


@each_gate(UNITARY)
def test_matrix_is_unitary(record: GateRecord) -> None:
    params, static = typical(record)
    matrix = record.matrix(params, **static)
    np.testing.assert_allclose(
        matrix @ matrix.conj().T, np.eye(len(matrix)), atol=1e-14
    )


@each_gate(UNITARY)
def test_adjoint_inverts(record: GateRecord) -> None:
    params, static = typical(record)
    inverse = record.adjoint(params)
    if inverse is None:
        assert record.num_params == 0 and not record.self_adjoint
        return
    matrix = record.matrix(params, **static)
    undo = record.matrix(inverse, **static)
    np.testing.assert_allclose(undo, matrix.conj().T, atol=1e-14)
    assert record.adjoint_angles is not None
    values = [angle.evaluate(params) for angle in record.adjoint_angles]
    np.testing.assert_allclose(values, inverse)


@each_gate(UNITARY)
def test_derivatives_are_finite_differences(record: GateRecord) -> None:
    params, static = typical(record)
    exact = record.derivatives(params, **static)
    assert len(exact) == record.num_params
    for slope, step in zip(exact, 1e-6 * np.eye(record.num_params), strict=True):
        above = record.matrix(params + step, **static)
        below = record.matrix(params - step, **static)
        np.testing.assert_allclose(slope, (above - below) / 2e-6, atol=1e-8)


@each_gate([r for r in UNITARY if r.generator is not None])
def test_generator_generates(record: GateRecord) -> None:
    (theta,), static = typical(record)
    assert record.generator is not None
    matrix = expm(1j * theta * record.generator)
    np.testing.assert_allclose(matrix, record.matrix([theta], **static), atol=1e-13)


KNOWN = [r for r in FIXED if r in PENNYLANES and r.name not in UNKNOWN]


@each_gate([r for r in KNOWN if r.num_params])
def test_frequencies_are_pennylanes(record: GateRecord) -> None:
    params, _ = typical(record)
    operation = getattr(qml, record.name)(*params, wires=range(record.num_wires or 0))
    for j, expected in enumerate(operation.parameter_frequencies):
        np.testing.assert_allclose(record.frequencies(j), expected)


@each_gate([r for r in FIXED if r.num_params])
def test_expectation_has_only_these_frequencies(record: GateRecord) -> None:
    params, _ = typical(record)
    size = len(full(record, params))
    random = np.random.default_rng(3).normal(size=(size, size + 1))
    state, operator = random[:, 0], random[:, 1:] + random[:, 1:].T

    def expectation(value: float, j: int) -> float:
        moved = [value if k == j else p for k, p in enumerate(params)]
        after = full(record, moved) @ state
        return float((after.conj() @ operator @ after).real)

    samples = np.linspace(0, 8 * np.pi, 64, endpoint=False)
    for j in range(record.num_params):
        spectrum = np.fft.rfft([expectation(x, j) for x in samples])
        present = np.flatnonzero(np.abs(spectrum) > 1e-9) / 4
        assert set(present) <= {0.0, *record.frequencies(j)}


def expand(step: Step) -> Iterator[Step]:
    """The step in primitive gates."""
    if step.gate.name in PRIMITIVE:
        yield step
        return
    static = {"num_targets": len(step.wires)} if step.gate.static else {}
    inside = step.gate.decompose(*step.params, **static)
    assert inside is not None, step.gate
    for inner in inside:
        wires = tuple(step.wires[w] for w in inner.wires)
        yield from expand(Step(inner.gate, inner.params, wires))


def product(steps: Sequence[Step], params: Sequence[float], n: int) -> ComplexMatrix:
    """The matrix on n wires of primitive steps."""
    total = np.eye(2**n, dtype=np.complex128)
    for step in steps:
        values = [
            p.evaluate(params) if isinstance(p, Angle) else p for p in step.params
        ]
        matrix = step.gate.full_matrix(values)
        if not step.wires:
            total = matrix[0, 0] * total
            continue
        k = len(step.wires)
        tensor = matrix.reshape((2,) * 2 * k)
        state = total.reshape((2,) * n + (-1,))
        state = np.tensordot(tensor, state, (range(k, 2 * k), step.wires))
        total = np.moveaxis(state, range(k), step.wires).reshape(2**n, 2**n)
    return total


@each_gate(DECOMPOSED)
def test_decomposition_is_the_gate(record: GateRecord) -> None:
    params, static = typical(record)
    check_decomposition(record, params, static, {})


@each("num_controls", [0, 1, 2, 3, 4])
def test_multi_controlled_flip_needs_no_spare_wires(num_controls: int) -> None:
    check_decomposition(
        GATES["MultiControlledX"], [], {}, {"num_controls": num_controls}
    )


@each("dim", range(9))
def test_pcphase_decomposes_for_every_dimension(dim: int) -> None:
    static = {"dim": dim, "num_targets": 3}
    check_decomposition(GATES["PCPhase"], [0.7], static, {})


@each("word", ["I", "X", "Y", "ZZ", "IXIY", "XYZZ"])
def test_pauli_rotation_decomposes_for_every_word(word: str) -> None:
    check_decomposition(GATES["PauliRot"], [0.7], {"pauli_word": word}, {})


def check_decomposition(
    record: GateRecord,
    params: Sequence[float],
    static: dict[str, Any],
    controls: dict[str, int],
) -> None:
    """The record's decomposition, on symbolic angles, multiplies to its matrix."""
    if record.num_controls is None and not controls:
        controls = {"num_controls": 2}
    matrix = record.full_matrix(params, **static, **controls)
    n = len(matrix).bit_length() - 1
    steps = record.decompose(**static, **controls)
    assert steps is not None
    primitive = [s for step in steps for s in expand(step)]
    np.testing.assert_allclose(product(primitive, params, n), matrix, atol=1e-13)


def test_only_primitive_gates_have_no_decomposition() -> None:
    whole = {r.name for r in UNITARY if r.decomposition is None}
    matrices = {"QubitUnitary", "DiagonalQubitUnitary", "ControlledQubitUnitary"}
    assert whole == PRIMITIVE | matrices


@each_gate(FIXED)
def test_kernel_holds_the_matrix(record: GateRecord) -> None:
    params, static = typical(record)
    matrix = record.matrix(params, **static)
    part = record.compact(matrix)
    rebuilt = np.eye(len(matrix), dtype=np.complex128)
    if record.kernel is Kernel.DIAGONAL:
        rebuilt = np.diag(part)
    elif record.kernel is Kernel.TWO_LEVEL:
        rebuilt[np.ix_(record.two_level, record.two_level)] = part
    else:
        rebuilt = part
    np.testing.assert_array_equal(rebuilt, matrix)


@each(
    ("kernel", "expected"),
    [
        (Kernel.ONE, "X RX H SX CNOT CRX Rot CRot Toffoli MultiControlledX"),
        (Kernel.DIAGONAL, "Z RZ S T CZ CCZ GlobalPhase IsingZZ PCPhase"),
        (Kernel.TWO_LEVEL, "SWAP CSWAP PSWAP ISWAP IsingXY DoubleExcitation"),
        (Kernel.DENSE, "ECR FermionicSWAP OrbitalRotation DoubleExcitationPlus"),
        (Kernel.PAULI_ROT, "IsingXX IsingYY MultiRZ PauliRot"),
    ],
)
def test_kernels_follow_from_sparsity(kernel: Kernel, expected: str) -> None:
    assert all(GATES[name].kernel is kernel for name in expected.split())


def test_two_level_states() -> None:
    assert GATES["CSWAP"].two_level == (1, 2)
    assert GATES["DoubleExcitation"].two_level == (3, 12)


def test_real_gates() -> None:
    real = {record.name for record in FIXED if record.real}
    assert {"H", "X", "Z", "RY", "CNOT", "SWAP", "SingleExcitation"} <= real
    assert not real & {"Y", "S", "RX", "RZ", "ISWAP", "FermionicSWAP"}


def test_names_are_unique_and_found() -> None:
    spelled = [n for record in GATES.values() for n in (record.name, *record.aliases)]
    assert len(spelled) == len(set(spelled))
    assert all(find_gate(name) is not None for name in spelled)
    assert find_gate("Hadamard") is GATES["H"]
    assert find_gate("nothing of the kind") is None


def test_preparations_have_no_matrix() -> None:
    with pytest.raises(TypeError, match="StatePrep prepares a state"):
        GATES["StatePrep"].matrix()


class Library:
    """The gate library as compiled code."""

    def __init__(self) -> None:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        machine = llvm.Target.from_default_triple().create_target_machine()
        module = llvm.parse_assembly(gate_library_ir())
        module.verify()
        self.engine = llvm.create_mcjit_compiler(module, machine)
        self.engine.finalize_object()

    def call(self, what: str, record: GateRecord, *arrays: Any) -> None:
        """Calls __qjit__gate_<what> for a record."""
        address = self.engine.get_function_address(f"__qjit__gate_{what}")
        pointers = [ctypes.c_void_p] * len(arrays)
        function: Callable[..., None] = ctypes.CFUNCTYPE(
            None, ctypes.c_int32, *pointers
        )(address)
        function(GATE_INDEX[record.name], *(array.ctypes.data for array in arrays))


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def words(record: GateRecord, params: Sequence[float]) -> np.ndarray:
    """The parameters as the native library reads them."""
    return np.array([*params, *(record.example[word] for word in record.words)], float)


@each_gate(NATIVE)
def test_native_matrix(record: GateRecord, library: Library) -> None:
    params, static = typical(record)
    expected = record.compact(record.matrix(params, **static))
    found = np.full(expected.shape, np.nan, np.complex128)
    library.call("matrix", record, words(record, params), found)
    np.testing.assert_allclose(found, expected, atol=1e-15)


@each_gate(NATIVE)
def test_native_gradient(record: GateRecord, library: Library) -> None:
    params, static = typical(record)
    slopes = [record.compact(d) for d in record.derivatives(params, **static)]
    shape = record.compact(record.matrix(params, **static)).shape
    random = np.random.default_rng(0)
    weights = random.normal(size=shape) + 1j * random.normal(size=shape)
    read = words(record, params)
    found = np.full(len(read), np.nan)
    library.call("gradient", record, read, weights, found)
    expected = [2 * np.sum(d * weights).real for d in slopes]
    np.testing.assert_allclose(found, expected + [0.0] * len(record.words), atol=1e-13)


def test_documentation_is_current() -> None:
    build = ROOT / "docs" / "build.py"
    subprocess.run([sys.executable, build, "--check"], check=True)
