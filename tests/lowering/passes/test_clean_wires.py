"""X and Z under many controls cost less where a wire is known to be in |0>."""

from typing import Any

import numpy as np
import pytest

import qjit as qj
from tests.support.pass_meaning import Imported, gate_names

PASS = "decompose-gates{gates=RZ,SX,X,CNOT}"


def flipped(count: int, gate: Any, known: bool) -> Imported:
    """Return a gate under controls beside a wire in |0>, or in a state that is not."""

    @qj.qnode(wires=count + 2)
    def circuit(x: Any) -> Any:
        for wire in range(count + 1):
            qj.RY(x + wire, wires=wire)
        qj.RY(0.0 if known else x, wires=count + 1)
        values = [wire % 3 > 0 for wire in range(count)]
        qj.ctrl(gate, list(range(count)), control_values=values)(count)
        qj.RX(x, wires=count + 1)
        return qj.state()

    return Imported(circuit, 0.3)


@pytest.mark.parametrize("count", [4, 5, 7])
@pytest.mark.parametrize("gate", [qj.X, qj.Z])
def test_one_clean_wire(count: int, gate: Any) -> None:
    clean, dirty = flipped(count, gate, True), flipped(count, gate, False)
    found = clean.after((PASS,))
    cnots = gate_names(found).count("CNOT")
    assert cnots <= 6 * count - 6
    assert cnots < gate_names(dirty.after((PASS,))).count("CNOT")
    (state,), (expected,) = clean.results(found), clean.results()
    np.testing.assert_allclose(state, expected, atol=1e-12)
