"""Values and derivatives of circuits that measure late, or on fewer wires."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

import qjit as qj


@qj.qnode(wires=3)
def fed_forward(x: Any) -> Any:
    qj.RY(x, wires=0)
    first = qj.measure(0, reset=True)
    qj.RX(x * first + 0.3, wires=1)
    second = qj.measure(1)
    qj.cond(first ^ second, qj.RY)(2 * x, wires=2)
    return qj.expval(qj.X(2))


@pytest.mark.parametrize("change", [qj.defer_measurements, qj.reuse_qubits])
def test_values_and_derivatives_stay(change: Callable[[Any], Any]) -> None:
    both = qj.qjit(qj.value_and_grad(change(fed_forward)))
    np.testing.assert_allclose(
        both(0.7), qj.value_and_grad(fed_forward)(0.7), atol=1e-9
    )
    rows = jax.vmap(change(fed_forward))(np.array([0.1, 0.7]))
    np.testing.assert_allclose(rows[1], fed_forward(0.7), atol=1e-9)


def test_what_they_refuse() -> None:
    with pytest.raises(
        qj.errors.ParameterError, match="an integer from 1 as num_wires, but got 0"
    ):
        qj.defer_measurements(fed_forward, num_wires=0)
    with pytest.raises(qj.errors.ArgumentError, match="takes a quantum function"):
        qj.reuse_qubits(lambda: None)
