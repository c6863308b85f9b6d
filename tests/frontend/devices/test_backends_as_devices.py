"""Objects that take batches of programs, as devices."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import qjit as qj
from qjit.devices.backends.local import LocalBackend
from qjit.devices.backends.protocol import Payload
from qjit.errors import DeviceError
from tests.support.simulated_runtime import SimulatedRuntime

SHOTS = 4000


class Coins(LocalBackend):
    """Tosses coins for all bits, whatever the circuit."""

    formats = ("openqasm2",)

    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        """Toss them."""
        rng = np.random.default_rng(seed)
        return rng.integers(2, size=(shots, program.num_bits), dtype=np.uint8)


def energy(x: Any) -> Any:
    qj.RX(x[0], 0)
    qj.CRY(x[1], [0, 1])
    return qj.expval(qj.Z(0) + qj.X(1))


def test_a_backend_is_a_device() -> None:
    runtime = SimulatedRuntime()
    node = qj.qnode(qj.device(runtime, wires=2, shots=SHOTS, seed=1))(energy)
    x = jnp.array([0.3, 0.8])
    found = qj.qjit(jax.value_and_grad(node))(x)
    wanted = jax.value_and_grad(qj.qnode(wires=2)(energy))(x)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, atol=0.15), found, wanted
    )
    assert len(runtime.batches) == 1
    assert float(node.submit(x).result()) == pytest.approx(float(wanted[0]), abs=0.15)


def test_two_of_a_kind() -> None:
    first, other = (qj.device(Coins(), wires=2, shots=SHOTS, seed=k) for k in (1, 2))
    means = [float(qj.qnode(each)(energy)(jnp.ones(2))) for each in (first, other)]
    assert all(abs(mean) < 5 * 2 / SHOTS**0.5 for mean in means)
    assert means[0] != means[1]


def test_backends_without_a_format() -> None:
    class Odd(Coins):
        formats = ("punched cards",)

    with pytest.raises(DeviceError, match=r"'punched cards'.*'openqasm3'"):
        qj.device(Odd(), wires=2, shots=10)
