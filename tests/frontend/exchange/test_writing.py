"""Quantum functions written as OpenQASM and QIR, and read again."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.errors import ParameterError, ParameterTypeError, UnsupportedError

X = jnp.array([0.25, 0.5])


def applied(x: Any) -> None:
    qj.RX(2 * x[0], 0)
    qj.ctrl(qj.RY, 0)(x[1], 2)
    qj.IsingZZ(x[0] * x[1], [0, 1])
    qj.adjoint(qj.T)(1)
    qj.SWAP([1, 2])
    qj.QubitUnitary(np.array([[0, 1j], [1, 0]]), wires=2)


@qj.qnode(wires=3)
def circuit(x: Any) -> Any:
    applied(x)
    return qj.probs()


def test_openqasm_3() -> None:
    text = qj.to_qasm(circuit)(X)
    assert text.startswith('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;')
    assert "rx(0.5) q[0];" in text and "c[2] = measure q[2];" in text
    assert text == qj.to_qasm(qj.qjit(circuit))(X)
    assert text == qj.to_qasm(lambda x: jnp.sum(circuit(x)))(X)


def test_openqasm_2() -> None:
    text = qj.to_qasm(circuit, 2)(X)
    assert text.startswith('OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];')
    assert "measure q[0] -> c[0];" in text


def test_what_is_computed_before() -> None:
    def program(x: Any, scale: Any) -> Any:
        return circuit(jnp.sin(x) * scale)

    assert qj.to_qasm(program)(X, 2.0) == qj.to_qasm(circuit)(jnp.sin(X) * 2.0)


def test_parameters_stay() -> None:
    shape = jax.ShapeDtypeStruct((2,), X.dtype)
    text = qj.to_qasm(circuit)(shape)
    assert "input float[64] x_0;\ninput float[64] x_1;" in text
    assert "rx((2.0 * x_0)) q[0];" in text
    half = qj.to_qasm(lambda x, y: circuit(jnp.stack([x, y])))
    text = half(0.25, jax.ShapeDtypeStruct((), X.dtype))
    assert "input float[64] y_;" in text and "rx(0.5) q[0];" in text  # y is a gate
    with pytest.raises(UnsupportedError, match="programs in QIR do not take"):
        qj.to_qir(circuit)(shape)
    with pytest.raises(UnsupportedError, match=r"test_writing\.py:\d+: .*int32"):
        qj.to_qasm(lambda n: circuit(n * X))(jax.ShapeDtypeStruct((), np.int32))


def test_names_of_parameters_are_free() -> None:
    @qj.qnode(wires=1)
    def named(q: Any, v0: Any, c: Any, pi: Any, gate: Any, q_: Any) -> Any:
        for angle in (q, v0, c, pi, gate, q_):
            qj.RX(angle, 0)
        return qj.probs()

    text = qj.to_qasm(named)(*[jax.ShapeDtypeStruct((), X.dtype)] * 6)
    names = [
        line.split()[-1].rstrip(";")
        for line in text.splitlines()
        if line.startswith("input")
    ]
    assert names == ["q_", "v0_", "c_", "pi_", "gate_", "q__"]


def test_bits_are_the_results_in_order() -> None:
    """Also those that are known, twice the same, or computed."""

    @qj.qnode(wires=2, shots=3)
    def bits() -> Any:
        qj.X(1)
        first, second = qj.measure(1), qj.measure(0)
        return qj.sample(op=[second, ~first, first, second, first ^ second])

    text = qj.to_qasm(bits)()
    assert "c[0] = measure q[0];" in text and "c[2] = measure q[1];" in text
    end = text.splitlines()[-3:]
    assert end[:2] == ["c[1] = !c[2];", "c[3] = c[0];"] and end[2].startswith("c[4] =")
    program = qj.from_qir(str(qj.to_qir(bits)()))

    @qj.qnode(wires=2, shots=3)
    def read() -> Any:
        return qj.sample(program())

    np.testing.assert_array_equal(read(), bits())

    @qj.qnode(wires=2, shots=3)
    def twice() -> Any:
        bit = qj.measure(0)
        return qj.sample(op=[bit, bit])

    for function in (bits, twice):
        with pytest.raises(UnsupportedError, match=r"no measured bit|outcomes decide"):
            qj.to_qasm(function, 2)()


def probabilities(text: str) -> np.ndarray:
    """Read a program in QIR, and return the probabilities of what it records."""
    program = qj.from_qir(text)

    @qj.qnode(wires=3)
    def read() -> Any:
        return qj.probs(op=program())

    return np.asarray(read())


@pytest.mark.parametrize("profile", ["base", "adaptive"])
def test_qir_means_the_same(profile: str) -> None:
    text = qj.to_qir(circuit, profile)(X)
    assert f'"qir_profiles"="{profile}_profile"' in str(text)
    np.testing.assert_allclose(probabilities(str(text)), circuit(X), atol=1e-6)
    code = qj.to_qir(circuit, profile, "bitcode")(X)
    assert isinstance(code, bytes) and code.startswith(b"BC\xc0\xde")


DEVICES = {
    "ionq-aria": {"gpi", "gpi2", "ms", "measure"},
    "ionq-forte": {"gpi", "gpi2", "zz", "measure"},
    "ibm-heron": {"rz", "sx", "x", "cz", "gphase", "measure"},
}


@pytest.mark.parametrize("name", DEVICES)
def test_gates_of_devices(name: str) -> None:
    text = qj.to_qasm(circuit, device=name)(X)
    lines = [line for line in text.splitlines() if line.endswith(";")]
    body = [line for line in lines if line.split()[0] not in OTHERS]
    words = {line.partition("(")[0].split()[0] for line in body}
    assert {w if "[" not in w else "measure" for w in words} <= DEVICES[name]


OTHERS = {"OPENQASM", "include", "qubit[3]", "bit[3]"}


def test_machines_that_take_qir() -> None:
    text = str(qj.to_qir(circuit, device="quantinuum-h2")(X))
    assert {"rxy", "rz", "rzz", "mz"} >= set(
        each.partition("__body")[0] for each in text.split("__quantum__qis__")[1:]
    )
    np.testing.assert_allclose(probabilities(text), circuit(X), atol=1e-6)
    on_device = qj.qnode(qj.device("quantinuum-h2", wires=3))(circuit.function)
    assert qj.to_qir(on_device)(X) == text
    code = qj.to_qir(circuit, device="oqc")(X)
    assert isinstance(code, bytes)


def test_branches_and_loops() -> None:
    @qj.qnode(wires=2, shots=10)
    def repeats() -> Any:
        def body(_: Any) -> Any:
            qj.reset(0)
            qj.H(0)
            return qj.measure(0).astype(bool)

        done = jax.lax.while_loop(lambda bit: ~bit, body, jnp.array(False))
        qj.cond(done, lambda: qj.X(1))()
        return qj.sample(wires=[1])

    text = qj.to_qasm(repeats)()
    assert "while (" in text and "if (" in text
    assert "backwards_branching" in str(qj.to_qir(repeats)())
    with pytest.raises(UnsupportedError, match=r"test_writing\.py:\d+: .*a loop that"):
        qj.to_qir(repeats, device="quantinuum-h2")()
    with pytest.raises(UnsupportedError, match="device 'openqasm2' does not have"):
        qj.to_qasm(repeats, 2)()


def test_states_are_written_without_measurements() -> None:
    @qj.qnode(wires=2)
    def bell() -> Any:
        qj.H(0)
        qj.CNOT([0, 1])
        return qj.state()

    assert qj.to_qasm(bell)().endswith("qubit[2] q;\nh q[0];\ncx q[0], q[1];\n")


def test_groups() -> None:
    @qj.qnode(wires=2)
    def energy() -> Any:
        qj.H(0)
        return qj.expval(qj.Z(0) + qj.X(0) @ qj.X(1))

    with pytest.raises(UnsupportedError, match=r"measures in 2 bases.*group=0"):
        qj.to_qasm(energy)()
    first, second = (qj.to_qasm(energy, group=k)() for k in range(2))
    assert first.count("h q") == 1 and second.count("h q") in (1, 3)
    with pytest.raises(ParameterError, match="a group from 0 to 1, but got 2"):
        qj.to_qasm(energy, group=2)()


def test_wrong_arguments() -> None:
    with pytest.raises(ParameterError, match="version 3 or 2, but got 4"):
        qj.to_qasm(circuit, 4)
    with pytest.raises(ParameterError, match="'base' or 'adaptive', but got 'full'"):
        qj.to_qir(circuit, "full")
    with pytest.raises(ParameterError, match="'text' or 'bitcode', but got 'json'"):
        qj.to_qir(circuit, format="json")
    with pytest.raises(ParameterError, match="'qdk' takes another language"):
        qj.to_qasm(circuit, device="qdk")
    with pytest.raises(ParameterTypeError, match="to_qir takes a quantum function"):
        qj.to_qir(3)
    with pytest.raises(UnsupportedError, match="calls 2"):
        qj.to_qasm(lambda x: circuit(x) + circuit(2 * x))(X)
    with pytest.raises(UnsupportedError, match="calls none"):
        qj.to_qasm(lambda x: x)(X)
