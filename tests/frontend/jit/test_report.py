"""The report of a compiled function: what its passes did."""

from typing import Any

import jax

import qjit as qj


@qj.qnode(wires=2)
def circuit(x: Any) -> Any:
    qj.RZ(x, 0)
    qj.RZ(0.1, 0)
    qj.X(0)
    qj.X(0)
    qj.CNOT([0, 1])
    return qj.expval(qj.Z(1))


def test_report_tells_what_passes_changed() -> None:
    found = qj.qjit(circuit).report(0.1)["passes"]
    assert found == {
        "cancel-inverses": {"X": [2, 0]},
        "merge-rotations": {"RZ": [2, 1]},
    }
    again = qj.qjit(circuit, pipeline=("merge-rotations",)).report(0.1)["passes"]
    assert again == {"merge-rotations": {"RZ": [2, 1]}}
    assert qj.qjit(circuit, pipeline=()).report(0.1)["passes"] == {}


def test_report_of_derivatives_and_of_classical_code() -> None:
    found = qj.qjit(jax.grad(circuit)).report(0.1)["passes"]
    assert found["cancel-inverses"]["X"] == [2, 0]
    assert qj.qjit(lambda x: x + 1).report(0.1)["passes"] == {}
