"""Programs with arrays and functions, written, read back, and written again."""

import os
from typing import Any

import numpy as np
import pytest

import qjit as qj
from tests.support.array_programs import CHOSEN, generated, rows_of
from tests.support.distributions import assert_alike
from tests.support.qiskit_programs import aer_bits

parser = pytest.importorskip("openqasm3", reason="the packages of vendors")
SHOTS = 2000
# As many generated programs as QJIT_EXAMPLES says.
PROGRAMS = int(os.environ.get("QJIT_EXAMPLES", "10"))
programs = pytest.mark.parametrize(
    "function", [*CHOSEN, *map(generated, range(PROGRAMS))]
)


def sampled(function: Any) -> Any:
    """Return the quantum function of a function of bits."""

    @qj.qnode(wires=3, shots=SHOTS, seed=1)
    def quantum_function() -> Any:
        return qj.sample(op=list(function(0.6)))

    return quantum_function


@programs
def test_openqasm(function: Any) -> None:
    expected = rows_of(function, qj.device(wires=3, shots=SHOTS, seed=5))
    text = qj.to_qasm(sampled(function))()
    for _ in range(2):
        parser.parse(text)
        read = qj.from_qasm(text)
        again = sampled(lambda _, read=read: read()["c"])
        assert_alike(np.asarray(again()), expected)
        text = qj.to_qasm(again)()


@programs
def test_qiskit(function: Any) -> None:
    expected = rows_of(function, qj.device(wires=3, shots=SHOTS, seed=5))
    circuit = qj.to_qiskit(sampled(function))()
    if not any(circuit.iter_declared_vars()):  # Aer fails on those of type Bool
        assert_alike(aer_bits(circuit, SHOTS, 7), expected)
    read = qj.from_qiskit(circuit)
    again = sampled(lambda _: read()["c"])
    assert_alike(np.asarray(again()), expected)


def test_subroutines() -> None:
    def layers(x: float) -> None:
        for number in range(5):
            for wire in 4 * [0, 1, 2, 3]:
                qj.RX(x * number, wire)
                qj.CRY(x, [wire, (wire + 1) % 4])
            qj.Hadamard(number % 4)

    @qj.qnode(wires=4)
    def circuit(x: float) -> Any:
        layers(x)
        return qj.probs()

    text = qj.to_qasm(circuit)(0.3)
    assert text.count("subroutine0(q, ") == 5 and text.count("rx(") == 16
    parser.parse(text)
    found = qj.matrix(lambda: layers(0.3), wire_order=range(4))()
    text = "\n".join(line for line in text.splitlines() if "measure" not in line)
    read: Any = qj.from_qasm(text)
    again = qj.matrix(lambda: read() and None, wire_order=range(4))()
    np.testing.assert_allclose(again, found, atol=1e-5)
