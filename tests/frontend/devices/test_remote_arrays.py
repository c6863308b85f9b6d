"""Arrays that outcomes change, on runtimes of others."""

import os
from typing import Any

import jax.numpy as jnp
import pytest

import qjit as qj
from qjit.errors import UnsupportedError
from tests.support.array_programs import CHOSEN, generated, rows_of
from tests.support.distributions import assert_alike
from tests.support.simulated_runtime import simulated

SHOTS = 2000
# As many generated programs as QJIT_EXAMPLES says.
PROGRAMS = int(os.environ.get("QJIT_EXAMPLES", "6"))


@pytest.mark.parametrize("function", [*CHOSEN, *map(generated, range(PROGRAMS))])
def test_the_same_on_both(function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    simulated(monkeypatch)
    names = "simulated", "statevector"
    devices = [qj.device(name, wires=3, shots=SHOTS, seed=3) for name in names]
    assert_alike(*(rows_of(function, device) for device in devices))


def test_places_that_outcomes_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    simulated(monkeypatch)

    def program(_: Any) -> Any:
        qj.H(0)
        qj.H(1)
        place = qj.measure(0).astype(int)
        return jnp.zeros(2, bool).at[place].set(qj.measure(1))

    with pytest.raises(UnsupportedError, match="a place in an array that outcomes"):
        rows_of(program, qj.device("simulated", wires=3, shots=10))
