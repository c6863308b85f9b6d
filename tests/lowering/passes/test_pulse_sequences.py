"""Sequences of pulses are the identity, and their centres are at equal distances."""

from typing import Any

import numpy as np
import pytest
from xdsl.context import Context

import qjit as qj
from qjit.dialects.quantum import DelayOp
from qjit.lowering.driver.stage_text import parsed
from qjit.lowering.passes.circuits.blocks import is_fresh
from qjit.lowering.passes.circuits.circuit import product
from qjit.lowering.passes.pipeline import find_step
from qjit.lowering.passes.quantum.timing.pulse_sequences import (
    SEQUENCES,
    most_repeated,
)


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequences_are_identities(name: str) -> None:
    sequence = SEQUENCES[name]
    found = product(sequence.pulses, [0], {}) * np.exp(-1j * sequence.phase)
    np.testing.assert_allclose(found, np.eye(2), atol=1e-15)
    assert (abs(sequence.phase) > 3) == (name == "XY4")


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("repeated", [1, 3])
def test_centres_of_pulses_are_at_equal_distances(name: str, repeated: int) -> None:
    sequence = SEQUENCES[name]
    for first, second in ((0, 0), (20, 20), (10, 70), (70, 10)):
        times = [
            first if each.name.endswith("X") else second for each in sequence.pulses
        ]
        busy = repeated * len(times) * 2 * max(times)
        for total in (busy + 12345, busy // 2 + 40 * repeated * len(times)):
            gaps = sequence.gaps(total, times, repeated)
            durations = np.array(times * repeated)
            assert sum(gaps) + sum(durations) == total and min(gaps) >= 0
            ends = np.cumsum(gaps[:-1]) + np.cumsum(durations)
            count = len(durations)
            ideal = total * (2 * np.arange(1, count + 1) - 1) / (2 * count)
            np.testing.assert_allclose(ends - durations / 2, ideal, atol=1)


def test_pulses_need_room_around_their_centres() -> None:
    for times in ([100, 300], [300, 100], [100, 300] * 2, [0, 0]):
        most = most_repeated(10_000, times)
        if most is None:
            assert not any(times)
            continue
        assert min(SEQUENCES["XX"].gaps(10_000, times, most)) >= 0
        assert min(SEQUENCES["XX"].gaps(10_000, times, most + 1)) < 0
    # Centres at 10 and 30 of 40: a pulse of 30 would end behind the delay.
    assert most_repeated(40, [10, 30]) == 0


def test_unequal_pulses_of_a_program() -> None:
    @qj.dynamical_decoupling(sequence="XY4", durations={"X": 1e-8, "Y": 4e-8})
    @qj.qnode(wires=1)
    def circuit() -> Any:
        qj.Hadamard(0)
        qj.delay(2e-7)
        qj.delay(1.2e-7)  # the last Y would end 5 ns behind it
        return qj.probs()

    text = qj.draw(circuit, width=200)()
    shown = ["Delay[20 ns]", "X", "Delay[25 ns]", "Y", "Delay[25 ns]", "X"]
    shown += ["Delay[25 ns]", "Y", "Delay[5 ns]", "GlobalPhase(-3.14)"]
    boxes = [each.strip("┤├─ ") for each in text.split("├")][1:]
    assert boxes[:9] == shown[:9]
    assert text.count("Delay[120 ns]") == 1


@pytest.mark.parametrize(
    "between", ["quantum.delay 1.0e-08 on %q, %p", "quantum.barrier %q, %p"]
)
def test_qubits_are_in_0_after_delays_and_barriers(between: str) -> None:
    kind = "!quantum.reg<2>"
    module = parsed(
        f"""
        func.func @f() {{
          %r = quantum.alloc : {kind}
          %q = quantum.extract %r[0] : {kind}
          %o = quantum.extract %r[1] : {kind}
          %p = quantum.gate "H" on %o
          %a, %b = {between}
          %c, %d = quantum.delay 1.0e-06 on %a, %b
          %s = quantum.insert %c into %r[0] : {kind}
          %t = quantum.insert %d into %s[1] : {kind}
          quantum.dealloc %t : {kind}
          func.return
        }}"""
    )
    delay = [op for op in module.walk() if isinstance(op, DelayOp)][-1]
    assert [is_fresh(each) for each in delay.qubits] == [True, False]
    find_step('dynamical-decoupling{durations="1:1e-7"}').found().apply(
        Context(), module
    )
    pulsed = str(module)
    assert pulsed.count('"X"') == 2
    assert "quantum.delay 1.000000e-06" in pulsed
