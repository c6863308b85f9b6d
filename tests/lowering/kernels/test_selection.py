"""A schedule has a kernel where that takes fewer passes than gates one by one."""

from itertools import combinations, islice
from typing import Any

import jax
import numpy as np
import pytest

import qjit as qj


def energy(excitation: Any, width: int, num_wires: int) -> Any:
    """A circuit of excitations on chosen wires."""

    @qj.qnode(wires=num_wires)
    def circuit(angles: Any) -> Any:
        chosen = islice(combinations(range(num_wires), width), 0, None, 7)
        for angle, wires in zip(angles, chosen, strict=False):
            excitation(angle, wires=wires)
        return qj.expval(qj.Z(0))

    return circuit


@pytest.mark.parametrize(
    ("excitation", "width", "num_wires", "has_kernel"),
    [
        # Each changes an eighth of the amplitudes, or half of them.
        (qj.DoubleExcitation, 4, 11, False),
        (qj.SingleExcitation, 2, 11, True),
        # What comes before and after a gate takes longer than the gate.
        (qj.DoubleExcitation, 4, 8, True),
    ],
)
def test_kernels_are_for_gates_that_change_most_of_a_state(
    excitation: Any, width: int, num_wires: int, has_kernel: bool
) -> None:
    circuit = energy(excitation, width, num_wires)

    @qj.qjit
    def descend(angles: Any) -> Any:
        def step(angles: Any, _: None) -> tuple[Any, None]:
            return angles - 0.1 * jax.grad(circuit)(angles), None

        return jax.lax.scan(step, angles, None, length=100)[0]

    text = descend.stages(np.linspace(0.1, 1, 8))["select-kernels"]
    assert ("} kernel [" in text) == has_kernel
