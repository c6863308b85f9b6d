"""Backends and samplers of Qiskit as runtimes, on its own simulators."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from qjit.devices.backends.protocol import (
    BackendError,
    Limits,
    PartialResults,
    Payload,
    Status,
)
from qjit.devices.backends.qiskit_backend import (
    Machine,
    QiskitRuntime,
    backend,
    circuit_of,
    failure,
    vendor_errors,
)
from tests.support.runtime_programs import (
    BELL,
    BRANCH,
    CROSSED,
    GHZ,
    RESET,
    Case,
    assert_case,
    counted,
)

pytest.importorskip("qiskit_qasm3_import")
qiskit_aer = pytest.importorskip("qiskit_aer")
primitives = pytest.importorskip("qiskit.primitives")


@pytest.fixture(scope="module")
def aer() -> QiskitRuntime:
    return backend(qiskit_aer.AerSimulator())


@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED, BRANCH, RESET])
def test_bits_are_distributed(aer: QiskitRuntime, case: Case) -> None:
    token = aer.submit([case.payload()], 2000, 5)
    (bits,) = aer.results(token)
    assert len(bits) == 2000
    assert aer.status(token) is Status.DONE
    assert_case(bits, case)


@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED])
def test_the_older_language(aer: QiskitRuntime, case: Case) -> None:
    (bits,) = aer.results(aer.submit([case.payload("openqasm2")], 2000, 6))
    assert_case(bits, case)


@pytest.mark.parametrize("case", [BELL, GHZ, CROSSED, BRANCH, RESET])
def test_samplers(case: Case) -> None:
    sampler = primitives.BackendSamplerV2(backend=qiskit_aer.AerSimulator())
    (bits,) = (runtime := backend(sampler)).results(
        runtime.submit([case.payload()], 2000, 7)
    )
    assert_case(bits, case)
    assert sampler.options.seed_simulator is None


def test_a_sampler_without_a_backend() -> None:
    runtime = backend(primitives.StatevectorSampler(seed=4))
    bell, crossed = runtime.results(
        runtime.submit([BELL.payload(), CROSSED.payload()], 1000, None)
    )
    assert_case(bell, BELL)
    assert_case(crossed, CROSSED)
    token = runtime.submit([BRANCH.payload()], 10, None)
    with pytest.raises(BackendError, match="cannot handle ControlFlowOp"):
        runtime.results(token)
    assert runtime.status(token) is Status.FAILED


def test_seeds(aer: QiskitRuntime) -> None:
    programs = [GHZ.payload(), BELL.payload()]
    one, two, three = (aer.results(aer.submit(programs, 50, s)) for s in (1, 1, 2))
    for k in range(2):
        np.testing.assert_array_equal(one[k], two[k])
    assert not np.array_equal(one[0], three[0])


def test_other_registers_stay_out(aer: QiskitRuntime) -> None:
    text = """OPENQASM 3.0; include "stdgates.inc";
        qubit[3] q; bit b; bit[2] a; bit[2] c;
        x q[0]; if (b) { x q[1]; } x q[2]; a[0] = measure q[0]; a[1] = measure q[0];
        c[0] = measure q[0]; c[1] = measure q[1]; b = measure q[2];"""
    (bits,) = aer.results(aer.submit([Payload(text, "openqasm3", 3, 2)], 9, 1))
    assert counted(bits) == {"10": 9}


def test_a_runtime_without_memory() -> None:
    runtime = QiskitRuntime(Machine(qiskit_aer.AerSimulator(), ("seed_simulator",)))
    (bits,) = runtime.results(runtime.submit([GHZ.payload()], 2000, 8))
    assert len(bits) == 2000
    assert_case(bits, GHZ)


def test_tokens(aer: QiskitRuntime) -> None:
    token = aer.submit([BELL.payload()], 10, 1)
    kept = json.loads(json.dumps(token))
    np.testing.assert_array_equal(aer.results(kept)[0], aer.results(token)[0])
    with pytest.raises(BackendError, match="ran in another process"):
        backend(qiskit_aer.AerSimulator()).results(kept)
    found = QiskitRuntime(
        Machine(qiskit_aer.AerSimulator()), find_job=aer.__dict__["_jobs"].get
    )
    np.testing.assert_array_equal(found.results(kept)[0], aer.results(token)[0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("OPENQASM 3.0; qubit q; bit[2] d; d[0] = measure q;", "register 'c' of 2"),
        ("OPENQASM 3.0; qubit q; bit[3] c; c[0] = measure q;", "register 'c' of 2"),
        ("OPENQASM 3.0; qubit q; bit[2] c; let d = c[0:1];", "in two registers"),
        ("OPENQASM 3.0; qubit q; bit[2] c; int i = 0;", "not supported|not handled"),
        ("nothing", "QASM3ParsingError"),
    ],
)
def test_programs_that_are_refused(aer: QiskitRuntime, text: str, words: str) -> None:
    with pytest.raises(BackendError, match=words):
        aer.submit([Payload(text, "openqasm3", 1, 2)], 10, 1)


@pytest.mark.parametrize("program", [b"BC\xc0\xde", "declare void @f()"])
def test_other_formats(program: str | bytes) -> None:
    with pytest.raises(BackendError, match="OpenQASM 3 and 2 as text, and no qir-base"):
        circuit_of(Payload(program, "qir-base", 1, 1))


def result(*experiments: tuple[bool, str], success: bool = False) -> Any:
    """Return what a job of one bit returns, of circuits some of which failed."""
    return pytest.importorskip("qiskit.result").Result.from_dict(
        {
            "backend_name": "b",
            "backend_version": "1",
            "job_id": "j",
            "success": success,
            "status": "the machine was cold",
            "results": [
                {
                    "shots": 3,
                    "success": good,
                    "status": status,
                    "data": {"counts": {"0x1": 3}} if good else {},
                    "header": {"memory_slots": 1, "creg_sizes": [["c", 1]]},
                }
                for good, status in experiments
            ],
        }
    )


def answering(answer: Any) -> QiskitRuntime:
    """Return a runtime whose job has a result already."""
    job = SimpleNamespace(result=lambda: answer, status=lambda: "ERROR")
    machine = Machine(SimpleNamespace(options=SimpleNamespace()))
    return QiskitRuntime(machine, find_job=lambda _: job)


def token(count: int, shots: int = 3) -> dict[str, Any]:
    return {"job": "j", "shots": shots, "registers": [[["c", 1]]] * count}


def test_some_circuits_failed() -> None:
    runtime = answering(result((True, "DONE"), (False, "too deep")))
    with pytest.raises(PartialResults, match="circuit 1: too deep") as caught:
        runtime.results(token(2))
    one, two = caught.value.results
    assert one is not None and one.tolist() == [[1]] * 3 and two is None


def test_all_circuits_failed() -> None:
    with pytest.raises(BackendError, match="the machine was cold"):
        answering(result((False, "too deep"))).results(token(1))
    with pytest.raises(BackendError, match="the machine was cold"):
        answering(result()).results(token(1))


def test_shots_that_are_missing() -> None:
    with pytest.raises(PartialResults, match="3 shots came back of 4"):
        answering(result((True, "DONE"), success=True)).results(token(1, shots=4))


def test_bits_that_are_missing() -> None:
    runtime = answering(result((True, "DONE"), success=True))
    kept = {**token(1), "registers": [[["c", 2]]]}
    with pytest.raises(BackendError, match="bits came back as '1'"):
        runtime.results(kept)


class VendorTimeout(Exception):
    """What a client raises if nobody answers."""


class VendorError(Exception):
    """What a client raises if it is answered badly."""

    def __init__(self, code: int, headers: dict[str, str]) -> None:
        super().__init__(f"status {code}")
        self.response = SimpleNamespace(status_code=code, headers=headers)


@pytest.mark.parametrize(
    ("error", "retry", "after"),
    [
        (VendorTimeout("slow"), True, None),
        (TimeoutError(), True, None),
        (ConnectionResetError("gone"), True, None),
        (VendorError(429, {"Retry-After": "2.5"}), True, 2.5),
        (
            VendorError(503, {"Retry-After": "Tue, 01 Dec 2026 01:00:00 GMT"}),
            True,
            None,
        ),
        (VendorError(404, {}), False, None),
        (ValueError("no"), False, None),
    ],
)
def test_errors_of_vendors(error: Exception, retry: bool, after: float | None) -> None:
    for raised in (error, wrapped(error)):
        found = failure(raised)
        assert (found.retry, found.after) == (retry, after)
        assert str(found)


def wrapped(error: Exception) -> Exception:
    try:
        raise RuntimeError("the client gives up") from error
    except RuntimeError as result:
        return result


def test_errors_of_ours_stay() -> None:
    ours = BackendError("ours", retry=True)
    with pytest.raises(BackendError) as caught, vendor_errors():
        raise ours
    assert caught.value is ours


class PanicException(BaseException):
    """What Qiskit's part in Rust raises if it comes where it should not."""


def test_panics_are_errors_and_interrupts_are_not() -> None:
    with pytest.raises(BackendError, match="unreachable"), vendor_errors():
        raise PanicException("entered unreachable code")
    with pytest.raises(KeyboardInterrupt), vendor_errors():
        raise KeyboardInterrupt


def test_limits() -> None:
    assert backend(qiskit_aer.AerSimulator(), shots=7).limits == Limits(7, None)
