"""What `from_qiskit` says where it cannot read at all."""

from typing import Any

import pytest

import qjit as qj
from qjit.errors import ArgumentError


@pytest.mark.parametrize("circuit", [3, None, "OPENQASM 3.0;", int, qj.X])
def test_what_is_no_circuit_is_refused(circuit: Any) -> None:
    with pytest.raises(ArgumentError, match=r"takes a qiskit\.QuantumCircuit, but got"):
        qj.from_qiskit(circuit)
