"""What simulators on this machine have in common, and the output of QIR."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from qjit.devices.backends.local import KEPT_AFTER_READING, LocalBackend, bits_of
from qjit.devices.backends.protocol import (
    BackendError,
    PartialResults,
    Payload,
    Status,
)
from qjit.devices.backends.qir_runner import QirRunner

GOOD = Payload("good", "qir-base", 1, 2)
BAD = Payload("bad", "qir-base", 1, 2)


class Coins(LocalBackend):
    formats = ("qir-base",)

    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        if program.program == "bad":
            raise BackendError("it is bad")
        bits = np.random.default_rng(seed).integers(0, 2, (shots, program.num_bits))
        return bits_of(bits.tolist(), program, shots)


def test_failures_do_not_keep_others_from_running() -> None:
    backend = Coins()
    token = backend.submit([GOOD, BAD, GOOD], 5, 1)
    assert backend.status(token) is Status.DONE
    with pytest.raises(PartialResults, match=r"^circuit 1: it is bad$") as caught:
        backend.results(token)
    assert [bits is None for bits in caught.value.results] == [False, True, False]
    assert backend.status(backend.submit([BAD], 5, 1)) is Status.FAILED


def test_requests_that_are_refused() -> None:
    backend = Coins()
    with pytest.raises(BackendError, match="shots must be positive, but are 0"):
        backend.submit([GOOD], 0, None)
    other = Payload("", "openqasm3", 1, 1)
    with pytest.raises(BackendError, match="circuit 1 is openqasm3, and Coins takes"):
        backend.submit([GOOD, other], 1, None)
    for ask in (backend.status, backend.results, backend.cancel):
        with pytest.raises(BackendError, match="no batch 'nothing' is kept"):
            ask("nothing")


def test_what_is_kept() -> None:
    backend = Coins()
    unread = backend.submit([GOOD], 3, 0)
    tokens = [backend.submit([GOOD], 3, seed) for seed in range(KEPT_AFTER_READING + 1)]
    first = backend.results(tokens[0])[0]
    np.testing.assert_array_equal(backend.results(tokens[0])[0], first)
    for token in tokens[1:]:
        backend.results(token)
    with pytest.raises(BackendError, match="no batch"):
        backend.results(tokens[0])
    np.testing.assert_array_equal(backend.results(unread)[0], first)


def test_output_of_qir() -> None:
    shot = ["START\nMETADATA\tentry_point\n", "OUTPUT\tTUPLE\t2\tt0\n"]
    bits = ["OUTPUT\tRESULT\t1\tr0\n", "OUTPUT\tINT\t7\tn\nOUTPUT\tRESULT\t0\tr1\n"]

    def runner(code: int, shots_run: int) -> QirRunner:
        def run_bytes(_program: bytes, *, output_fn: Any, **_options: Any) -> None:
            for part in [*shot, *bits, f"END\t{code}", "\n"] * shots_run:
                output_fn(part)

        return QirRunner(SimpleNamespace(run_bytes=run_bytes))

    np.testing.assert_array_equal(runner(0, 3).run(GOOD, 3, 0), [[1, 0]] * 3)
    with pytest.raises(BackendError, match="exit code 5"):
        runner(5, 3).run(GOOD, 3, 0)
    with pytest.raises(BackendError, match="2 of 3 shots came back"):
        runner(0, 2).run(GOOD, 3, 0)
    with pytest.raises(BackendError, match="recorded 2 results in a shot, and 1"):
        runner(0, 3).run(Payload("", "qir-base", 1, 1), 3, 0)


def test_no_results() -> None:
    nothing = Payload("good", "qir-base", 1, 0)
    backend = Coins()
    assert backend.results(backend.submit([nothing], 4, 1))[0].shape == (4, 0)
