"""Gates of OpenQASM texts: matrices by the specification, and by Qiskit."""

import cmath
import math
from typing import Any

import numpy as np
import pytest

import qjit as qj

pytest.importorskip("openqasm3.parser")

HEADS = {
    2: 'OPENQASM 2.0; include "qelib1.inc";',
    3: 'OPENQASM 3.0; include "stdgates.inc";',
}
ANGLES = (0.7, -1.3, 2.9, 0.4)


def unitary(text: str) -> Any:
    circuit: Any = qj.from_qasm(text)

    def applied() -> None:
        circuit()

    return np.asarray(qj.matrix(applied, wire_order=range(circuit.num_qubits))())


def same_up_to_phase(a: Any, b: Any) -> bool:
    return abs(abs(np.vdot(a, b)) - len(a)) < 1e-5


def call(name: str, angles: int, qubits: int) -> str:
    given = f"({', '.join(map(str, ANGLES[:angles]))})" if angles else ""
    return f"{name}{given} {', '.join(f'q[{k}]' for k in range(qubits))};"


PLAIN_1 = ("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "id")
ROTATIONS_1 = ("p", "rx", "ry", "rz", "u1")
BOTH = [
    *((name, 0, 1) for name in PLAIN_1),
    *((name, 1, 1) for name in ROTATIONS_1),
    *((name, 0, 2) for name in ("cx", "cy", "cz", "ch", "swap")),
    *((name, 1, 2) for name in ("cp", "crx", "cry", "crz")),
    *(("u2", 2, 1), ("u3", 3, 1), ("cu", 4, 2), ("ccx", 0, 3), ("cswap", 0, 3)),
]
IN_2 = [
    *(("u", 3, 1), ("sxdg", 0, 1), ("csx", 0, 2), ("cu1", 1, 2)),
    *(("cu3", 3, 2), ("rxx", 1, 2), ("rzz", 1, 2), ("rccx", 0, 3), ("rc3x", 0, 4)),
    *(("c3x", 0, 4), ("c3sqrtx", 0, 4), ("c4x", 0, 5), ("U", 3, 1), ("CX", 0, 2)),
]
IN_3 = [("phase", 1, 1), ("cphase", 1, 2), ("CX", 0, 2), ("U", 3, 1)]


@pytest.mark.parametrize(("name", "angles", "qubits"), [*BOTH, *IN_2])
def test_gates_of_version_2_are_qiskits(name: str, angles: int, qubits: int) -> None:
    qasm2 = pytest.importorskip("qiskit.qasm2")
    operator: Any = pytest.importorskip("qiskit.quantum_info").Operator
    text = f"{HEADS[2]} qreg q[{qubits}]; {call(name, angles, qubits)}"
    legacy = qasm2.LEGACY_INCLUDE_PATH, qasm2.LEGACY_CUSTOM_INSTRUCTIONS
    read = qasm2.loads(text, include_path=legacy[0], custom_instructions=legacy[1])
    theirs = operator(read.reverse_bits()).data
    assert same_up_to_phase(unitary(text), theirs)


@pytest.mark.parametrize(("name", "angles", "qubits"), [*BOTH, *IN_3])
def test_gates_of_version_3_are_qiskits(name: str, angles: int, qubits: int) -> None:
    pytest.importorskip("qiskit_qasm3_import")
    qasm3 = pytest.importorskip("qiskit.qasm3")
    operator: Any = pytest.importorskip("qiskit.quantum_info").Operator
    text = f"{HEADS[3]} qubit[{qubits}] q; {call(name, angles, qubits)}"
    theirs = operator(qasm3.loads(text).reverse_bits()).data
    assert same_up_to_phase(unitary(text), theirs)


def u(theta: float, phi: float, lam: float) -> Any:
    """The U of the specification of version 3."""
    c, s = math.cos(theta / 2), math.sin(theta / 2)
    inner = [
        [c, -cmath.exp(1j * lam) * s],
        [cmath.exp(1j * phi) * s, cmath.exp(1j * (phi + lam)) * c],
    ]
    return cmath.exp(1j * theta / 2) * np.array(inner)


def phased(phase: float, matrix: Any) -> Any:
    return cmath.exp(1j * phase) * matrix


PI = math.pi
A, B, C, D = ANGLES
# The definitions in stdgates.inc.
PHASES = {
    f"U({A}, {B}, {C})": u(A, B, C),
    f"p({A})": np.diag([1, cmath.exp(1j * A)]),
    "x": phased(-PI / 2, u(PI, 0, PI)),
    "y": phased(-PI / 2, u(PI, PI / 2, PI / 2)),
    "z": np.diag([1, -1]),
    "h": phased(-PI / 4, u(PI / 2, 0, PI)),
    "s": np.diag([1, 1j]),
    "tdg": np.diag([1, cmath.exp(-1j * PI / 4)]),
    "sx": np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2,
    f"rx({A})": phased(-A / 2, u(A, -PI / 2, PI / 2)),
    f"ry({A})": phased(-A / 2, u(A, 0, 0)),
    f"rz({A})": phased(-A / 2, u(0, 0, A)),
    f"phase({A})": u(0, 0, A),
    f"u1({A})": u(0, 0, A),
    f"u2({A}, {B})": phased(-(A + B + PI / 2) / 2, u(PI / 2, A, B)),
    f"u3({A}, {B}, {C})": phased(-(A + B + C) / 2, u(A, B, C)),
}


def controlled(matrix: Any, value: int = 1) -> Any:
    size = len(matrix)
    found = np.eye(2 * size, dtype=complex)
    found[value * size : (value + 1) * size, value * size : (value + 1) * size] = matrix
    return found


@pytest.mark.parametrize("gate", PHASES)
def test_phases_under_modifiers_are_those_of_the_specification(gate: str) -> None:
    matrix = PHASES[gate]
    head = f"{HEADS[3]} qubit[2] q;"
    found = unitary(f"{head} ctrl @ {gate} q[0], q[1];")
    assert np.allclose(found, controlled(matrix), atol=1e-6)
    found = unitary(f"{head} negctrl @ inv @ {gate} q[0], q[1];")
    assert np.allclose(found, controlled(matrix.conj().T, 0), atol=1e-6)
    found = unitary(f"{head} inv @ ctrl @ pow(3) @ {gate} q[0], q[1];")
    wanted = controlled(np.linalg.matrix_power(matrix, 3)).conj().T
    assert np.allclose(found, wanted, atol=1e-6)


def test_defined_gates_under_modifiers() -> None:
    text = f"""{HEADS[3]}
    gate phased(a) q {{ U(a, a / 2, -a) q; gphase(a / 3); }}
    gate two(a) p, q {{ phased(2 * a) p; ctrl @ phased(a) p, q; }}
    qubit[3] q;
    ctrl(1) @ inv @ two(0.9) q[2], q[0], q[1];
    negctrl(2) @ gphase(0.3) q[0], q[1];
    pow(-2) @ phased(0.4) q[0];
    """

    def phased_gate(a: float) -> Any:
        return phased(a / 3, u(a, a / 2, -a))

    two = controlled(phased_gate(0.9)) @ np.kron(phased_gate(1.8), np.eye(2))
    first = controlled(two.conj().T).reshape((2,) * 6)
    first = first.transpose(1, 2, 0, 4, 5, 3).reshape(8, 8)
    second = np.diag([*[cmath.exp(0.3j)] * 2, *[1] * 6])
    power = np.linalg.matrix_power(phased_gate(0.4).conj().T, 2)
    wanted = np.kron(power, np.eye(4)) @ second @ first
    assert np.allclose(unitary(text), wanted, atol=1e-6)


@pytest.mark.parametrize("exponent", ["1/2", "0.5", "-1.0/4"])
def test_fractional_powers_are_principal(exponent: str) -> None:
    text = f"{HEADS[3]} qubit q; pow({exponent}) @ x q;"
    power = eval(exponent)  # a number of this test
    hadamard = np.array([[1, 1], [1, -1]]) / math.sqrt(2)
    wanted = hadamard @ np.diag([1, cmath.exp(1j * PI * power)]) @ hadamard
    assert np.allclose(unitary(text), wanted, atol=1e-6)


def test_broadcasting_slices_and_aliases() -> None:
    text = f"""{HEADS[3]}
    qubit[4] q; qubit r;
    let ends = q[0] ++ q[{{3}}];
    let odd = q[1:2:3];
    h q;
    cx q[0:1], q[2:3];
    rz(0.3) ends;
    crx(0.2) r, odd;
    cz q[-1], r;
    """

    def applied() -> None:
        for k in range(4):
            qj.H(k)
        qj.CNOT([0, 2])
        qj.CNOT([1, 3])
        qj.RZ(0.3, 0)
        qj.RZ(0.3, 3)
        qj.CRX(0.2, [4, 1])
        qj.CRX(0.2, [4, 3])
        qj.CZ([3, 4])

    assert np.allclose(unitary(text), qj.matrix(applied, range(5))(), atol=1e-6)


def test_arithmetic_of_version_2() -> None:
    found = unitary(f"{HEADS[2]} qreg q[1]; rx(1/2 + 2*3^2/4 - ln(exp(1.5))) q[0];")
    assert np.allclose(found, qj.matrix(qj.RX(3.5, wires=0)), atol=1e-6)


def test_physical_qubits_are_wires() -> None:
    circuit: Any = qj.from_qasm(f"{HEADS[3]} x $2; cx $2, $0;")
    assert circuit.num_qubits == 3
    matrix = unitary(f"{HEADS[3]} x $2; cx $2, $0;")
    assert np.argmax(abs(matrix[:, 0])) == 0b101


@pytest.mark.parametrize(
    "modifiers", ["ctrl @ pow(0.5) @", "pow(0.5) @ ctrl @", "inv @ ctrl @ pow(-0.5) @"]
)
@pytest.mark.parametrize("gate", ["x", "s", "h", "ry(0.8)", "id", "tdg"])
def test_fractional_powers_under_control(modifiers: str, gate: str) -> None:
    matrix = unitary(f"{HEADS[3]} qubit q; {gate} q;")
    values, vectors = np.linalg.eig(matrix)
    angles = np.angle(values)
    angles[angles < -PI + 1e-4] = PI  # the principal root of -1 is i
    root = vectors @ np.diag(np.exp(0.5j * angles)) @ np.linalg.inv(vectors)
    found = unitary(f"{HEADS[3]} qubit[2] q; {modifiers} {gate} q[0], q[1];")
    assert np.allclose(found, controlled(root), atol=1e-5)


def test_exponents_may_come_from_subroutines() -> None:
    text = f"""{HEADS[3]} qubit q;
    def half(int a) -> int {{ int b = a / 2; return b; }}
    pow(half(3) / 2) @ x q;"""
    assert np.allclose(unitary(text), unitary(f"{HEADS[3]} qubit q; pow(0.5) @ x q;"))
