"""Gates on one target: each record is the function from its angles to its matrix."""

# One keyword on each line would hide the matrix.
# fmt: off
# ruff: noqa: E743
from math import pi, sqrt

from .fourier import Angle, Matrix, cos, diagonal, embedded, phase, sin
from .record import Kernel, gate

R = 1 / sqrt(2)


@gate(0)
def GlobalPhase(phi: Angle) -> Matrix:
    """The phase exp(-i phi); under controls, a phase of the control subspace."""
    return [[phase(-phi)]]


@gate(
    aliases=("Identity",), qasm="id", fixed_kernel=Kernel.DIAGONAL,
    example={"num_targets": 1},
    decomposition=lambda num_targets=1: [],
)
def I(*, num_targets: int = 1) -> Matrix:
    """Nothing, on any wires."""
    return embedded(2**num_targets, {})


@gate(
    1, aliases=("PauliX",), qasm="x", qir="x",
    decomposition=lambda: [GlobalPhase(-pi / 2) @ (), RX(pi) @ 0],
)
def X() -> Matrix:
    """Pauli X, the bit flip."""
    return [[0, 1], [1, 0]]


@gate(
    1, aliases=("PauliY",), qasm="y", qir="y",
    decomposition=lambda: [GlobalPhase(-pi / 2) @ (), RY(pi) @ 0],
)
def Y() -> Matrix:
    """Pauli Y."""
    return [[0, -1j], [1j, 0]]


@gate(
    1, aliases=("PauliZ",), qasm="z", qir="z",
    decomposition=lambda: [PhaseShift(pi) @ 0],
)
def Z() -> Matrix:
    """Pauli Z, the phase flip."""
    return diagonal([1, -1])


@gate(
    1, aliases=("Hadamard",), qasm="h", qir="h",
    decomposition=lambda: [GlobalPhase(-pi / 2) @ (), RZ(pi) @ 0, RY(pi / 2) @ 0],
)
def H() -> Matrix:
    """Hadamard, between the Z and the X basis."""
    return [[R, R], [R, -R]]


@gate(
    1, qasm="s", qasm_adjoint="sdg", qir="s",
    decomposition=lambda: [PhaseShift(pi / 2) @ 0],
)
def S() -> Matrix:
    """The square root of Z."""
    return diagonal([1, 1j])


@gate(
    1, qasm="t", qasm_adjoint="tdg", qir="t",
    decomposition=lambda: [PhaseShift(pi / 4) @ 0],
)
def T() -> Matrix:
    """The fourth root of Z."""
    return diagonal([1, R + R * 1j])


@gate(1, qasm="sx", decomposition=lambda: [GlobalPhase(-pi / 4) @ (), RX(pi / 2) @ 0])
def SX() -> Matrix:
    """The square root of X."""
    return [[0.5 + 0.5j, 0.5 - 0.5j], [0.5 - 0.5j, 0.5 + 0.5j]]


@gate(
    1, qasm="rx", qir="rx",
    decomposition=lambda phi: [RZ(pi / 2) @ 0, RY(phi) @ 0, RZ(-pi / 2) @ 0],
)
def RX(phi: Angle) -> Matrix:
    """Rotation about X: exp(-i phi X / 2)."""
    c, s = cos(phi / 2), -1j * sin(phi / 2)
    return [[c, s], [s, c]]


@gate(1, qasm="ry", qir="ry")
def RY(phi: Angle) -> Matrix:
    """Rotation about Y: exp(-i phi Y / 2)."""
    c, s = cos(phi / 2), sin(phi / 2)
    return [[c, -s], [s, c]]


@gate(1, qasm="rz", qir="rz")
def RZ(phi: Angle) -> Matrix:
    """Rotation about Z: exp(-i phi Z / 2)."""
    return diagonal([phase(-phi / 2), phase(phi / 2)])


@gate(1, qasm="p", decomposition=lambda phi: [GlobalPhase(-phi / 2) @ (), RZ(phi) @ 0])
def PhaseShift(phi: Angle) -> Matrix:
    """The phase exp(i phi) on |1>."""
    return diagonal([1, phase(phi)])


@gate(1, qasm="u1", decomposition=lambda phi: [PhaseShift(phi) @ 0])
def U1(phi: Angle) -> Matrix:
    """The phase exp(i phi) on |1>, by IBM's name."""
    return diagonal([1, phase(phi)])


@gate(
    1,
    inverse=lambda phi, delta: (pi - delta, pi - phi),
    decomposition=lambda phi, delta: [U3(pi / 2, phi, delta) @ 0],
)
def U2(phi: Angle, delta: Angle) -> Matrix:
    """A quarter turn between two phases: U3(pi/2, phi, delta)."""
    return [[R, -R * phase(delta)], [R * phase(phi), R * phase(phi + delta)]]


@gate(
    1,
    inverse=lambda theta, phi, delta: (-theta, -delta, -phi),
    decomposition=lambda theta, phi, delta: [
        GlobalPhase((phi + delta) / -2) @ (), Rot(delta, theta, phi) @ 0,
    ],
)
def U3(theta: Angle, phi: Angle, delta: Angle) -> Matrix:
    """Any rotation between two phases, with a real upper left entry."""
    c, s = cos(theta / 2), sin(theta / 2)
    return [[c, -phase(delta) * s], [phase(phi) * s, phase(phi + delta) * c]]


@gate(
    1,
    inverse=lambda phi, theta, omega: (-omega, -theta, -phi),
    decomposition=lambda phi, theta, omega: [RZ(phi) @ 0, RY(theta) @ 0, RZ(omega) @ 0],
)
def Rot(phi: Angle, theta: Angle, omega: Angle) -> Matrix:
    """Any rotation: RZ(omega) RY(theta) RZ(phi)."""
    c, s = cos(theta / 2), sin(theta / 2)
    outer, inner = (phi + omega) / 2, (phi - omega) / 2
    return [
        [phase(-outer) * c, -phase(inner) * s], [phase(-inner) * s, phase(outer) * c],
    ]


@gate(
    1,
    inverse=lambda theta, phi: (-theta, phi),
    decomposition=lambda theta, phi: [RZ(-phi) @ 0, RX(theta) @ 0, RZ(phi) @ 0],
)
def PRX(theta: Angle, phi: Angle) -> Matrix:
    """Rotation by theta about the axis at the angle phi from X towards Y."""
    c, s = cos(theta / 2), -1j * sin(theta / 2)
    return [[c, phase(-phi) * s], [phase(phi) * s, c]]


@gate(
    1,
    inverse=lambda phi: (phi,),
    decomposition=lambda phi: [GlobalPhase(-pi / 2) @ (), PRX(pi, phi) @ 0],
)
def GPI(phi: Angle) -> Matrix:
    """The bit flip cos(phi) X + sin(phi) Y of trapped ions."""
    return [[0, phase(-phi)], [phase(phi), 0]]


@gate(
    1,
    inverse=lambda phi: (phi + pi,),
    decomposition=lambda phi: [PRX(pi / 2, phi) @ 0],
)
def GPI2(phi: Angle) -> Matrix:
    """The quarter turn of trapped ions: PRX(pi/2, phi)."""
    return [[R, -1j * R * phase(-phi)], [-1j * R * phase(phi), R]]
