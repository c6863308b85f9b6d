"""Devices with a QDMI driver: MQT Core's DDSIM, IQM's with a server, and one in C."""

import json
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from llvmlite import binding

from qjit.devices.backends.protocol import (
    BackendError,
    PartialResults,
    Payload,
    Status,
)
from qjit.devices.backends.qdmi import drivers
from qjit.devices.backends.qdmi.device import KEPT_AFTER_READING, QDMIBackend, backend
from qjit.errors import MissingPackageError
from tests.support.distributions import assert_distributed
from tests.support.iqm_server import IQMServer, iqm_server

pytest.importorskip("mqt.core")

QASM3 = 'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; bit[3] c; '
READ3 = "c[0] = measure q[0]; c[1] = measure q[1]; c[2] = measure q[2];"
QASM2 = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[3]; creg c[3]; '
BELL = Payload(QASM3 + f"x q[0]; h q[1]; cx q[1], q[2]; {READ3}", "openqasm3", 3, 3)
GHZ = Payload(
    QASM3 + f"h q[0]; cx q[0], q[1]; cx q[1], q[2]; {READ3}", "openqasm3", 3, 3
)


def qir(body: str, results: int, profile: str = "base", flags: str = "") -> str:
    """Return a module of QIR 2: `%n` in its body is qubit or result n."""
    for number in range(3):
        body = body.replace(f"%{number}", f"ptr inttoptr (i64 {number} to ptr)")
    records = "".join(
        "  call void @__quantum__rt__result_record_output("
        f"ptr inttoptr (i64 {k} to ptr), ptr @r{k})\n"
        for k in range(results)
    )
    labels = "".join(
        f'@r{k} = internal constant [3 x i8] c"r{k}\\00"\n' for k in range(results)
    )
    return f"""{labels}
define i64 @main() #0 {{
entry:
  call void @__quantum__rt__initialize(ptr null)
{textwrap.indent(textwrap.dedent(body), "  ")}
{records}  ret i64 0
}}
declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__h__body(ptr)
declare void @__quantum__qis__cx__body(ptr, ptr)
declare void @__quantum__qis__reset__body(ptr)
declare void @__quantum__qis__mz__body(ptr, ptr writeonly) #1
declare i1 @__quantum__rt__read_result(ptr)
declare void @__quantum__rt__result_record_output(ptr, ptr)
declare void @abort()
attributes #0 = {{ "entry_point" "qir_profiles"="{profile}_profile"
  "output_labeling_schema"="labeled" "required_num_qubits"="3"
  "required_num_results"="{results}" }}
attributes #1 = {{ "irreversible" }}
!llvm.module.flags = !{{!0, !1, !2, !3{flags.split("|")[0]}}}
!0 = !{{i32 1, !"qir_major_version", i32 2}}
!1 = !{{i32 7, !"qir_minor_version", i32 0}}
!2 = !{{i32 1, !"dynamic_qubit_management", i1 false}}
!3 = !{{i32 1, !"dynamic_result_management", i1 false}}
{flags.partition("|")[2]}
"""


MEASURE = """
call void @__quantum__qis__mz__body(%0, %0)
call void @__quantum__qis__mz__body(%1, %1)
call void @__quantum__qis__mz__body(%2, %2)
"""
QIR_BELL = qir(
    "call void @__quantum__qis__x__body(%0)\n"
    "call void @__quantum__qis__h__body(%1)\n"
    "call void @__quantum__qis__cx__body(%1, %2)\n" + MEASURE,
    3,
)
FEED_FORWARD = qir(
    """
    call void @__quantum__qis__h__body(%0)
    call void @__quantum__qis__mz__body(%0, %0)
    %found = call i1 @__quantum__rt__read_result(%0)
    br i1 %found, label %one, label %zero
    one:
    call void @__quantum__qis__x__body(%1)
    br label %end
    zero:
    call void @__quantum__qis__x__body(%2)
    br label %end
    end:
    call void @__quantum__qis__mz__body(%1, %1)
    call void @__quantum__qis__mz__body(%2, %2)
    """,
    3,
    "adaptive",
)
# Until qubit 0 is found in 1, qubit 1 is flipped.
LOOP = qir(
    """
    br label %try
    try:
    call void @__quantum__qis__reset__body(%0)
    call void @__quantum__qis__h__body(%0)
    call void @__quantum__qis__x__body(%1)
    call void @__quantum__qis__mz__body(%0, %0)
    %found = call i1 @__quantum__rt__read_result(%0)
    br i1 %found, label %end, label %try
    end:
    call void @__quantum__qis__mz__body(%1, %1)
    """,
    2,
    "adaptive",
    ', !4|!4 = !{i32 7, !"backwards_branching", i2 -1}',
)
ENDLESS = LOOP.replace("label %end, label %try", "label %try, label %end").replace(
    "call void @__quantum__qis__h__body(ptr inttoptr (i64 0 to ptr))",
    "call void @__quantum__qis__x__body(ptr inttoptr (i64 0 to ptr))",
)


@pytest.fixture(scope="module")
def ddsim() -> QDMIBackend:
    return backend()


def run(on: QDMIBackend, *programs: Payload, shots: int = 2000) -> list[np.ndarray]:
    return on.results(on.submit(programs, shots, None))


def test_what_ddsim_says_of_itself(ddsim: QDMIBackend) -> None:
    assert set(ddsim.formats) == {"qir-adaptive", "openqasm3", "qir-base", "openqasm2"}
    found = ddsim.describe()
    assert found.qdmi.startswith("1.4") and found.num_qubits == len(found.sites)
    assert {"h", "cx", "rz", "measure"} <= {o.name for o in found.operations}
    (cx,) = (o for o in found.operations if o.name == "cx")
    assert (cx.num_qubits, cx.num_parameters) == (2, 0)


@pytest.mark.parametrize(
    "program",
    [
        BELL,
        Payload(
            QASM2 + "x q[0]; h q[1]; cx q[1], q[2]; measure q -> c;", "openqasm2", 3, 3
        ),
        Payload(QIR_BELL, "qir-base", 3, 3),
        Payload(binding.parse_assembly(QIR_BELL).as_bitcode(), "qir-base", 3, 3),
        Payload(QIR_BELL, "qir-adaptive", 3, 3),
    ],
    ids=["openqasm3", "openqasm2", "qir", "bitcode", "adaptive"],
)
def test_bits_are_in_our_order(ddsim: QDMIBackend, program: Payload) -> None:
    (bits,) = run(ddsim, program)
    assert bits.dtype == np.uint8 and bits.shape == (2000, 3)
    assert_distributed(bits, {"100": 0.5, "111": 0.5})


def test_a_batch_is_one_job(ddsim: QDMIBackend) -> None:
    token = ddsim.submit([GHZ, BELL], 2000, None)
    assert len(token["jobs"]) == 1 and json.loads(json.dumps(token)) == token
    ghz, bell = ddsim.results(token)
    assert ddsim.status(token) is Status.DONE
    assert_distributed(ghz, {"000": 0.5, "111": 0.5})
    assert_distributed(bell, {"100": 0.5, "111": 0.5})


def test_formats_may_differ_in_a_batch(ddsim: QDMIBackend) -> None:
    first, second = run(ddsim, GHZ, Payload(QIR_BELL, "qir-base", 3, 3))
    assert_distributed(first, {"000": 0.5, "111": 0.5})
    assert_distributed(second, {"100": 0.5, "111": 0.5})


@pytest.mark.parametrize("as_bitcode", [False, True])
@pytest.mark.parametrize(
    "text, expected",
    [
        (FEED_FORWARD, {"001": 0.5, "110": 0.5}),
        (LOOP, {"11": 2 / 3, "10": 1 / 3}),
    ],
    ids=["feed-forward", "loop"],
)
def test_adaptive_programs(
    ddsim: QDMIBackend, text: str, expected: dict[str, float], as_bitcode: bool
) -> None:
    program = binding.parse_assembly(text).as_bitcode() if as_bitcode else text
    width = len(next(iter(expected)))
    (bits,) = run(ddsim, Payload(program, "qir-adaptive", 3, width))
    assert_distributed(bits, expected)


@pytest.mark.parametrize(
    "body, expected",
    [
        (
            "h q[0]; c[0] = measure q[0]; if (c[0]) { x q[1]; } else { x q[2]; } "
            "c[1] = measure q[1]; c[2] = measure q[2];",
            {"001": 0.5, "110": 0.5},
        ),
        (
            "c[0] = 0; while (!c[0]) { reset q[0]; h q[0]; x q[1]; "
            "c[0] = measure q[0]; } c[1] = measure q[1]; c[2] = measure q[2];",
            {"110": 2 / 3, "100": 1 / 3},
        ),
    ],
    ids=["feed-forward", "loop"],
)
def test_adaptive_openqasm(
    ddsim: QDMIBackend, body: str, expected: dict[str, float]
) -> None:
    (bits,) = run(ddsim, Payload(QASM3 + body, "openqasm3", 3, 3))
    assert_distributed(bits, expected)


def test_seeds(ddsim: QDMIBackend) -> None:
    def draws(seed: int) -> list[np.ndarray]:
        return ddsim.results(ddsim.submit([GHZ, GHZ], 64, seed))

    first, second = draws(7)
    assert [b.sum() for b in draws(7)] == [first.sum(), second.sum()]
    sums = {tuple(b.sum() for b in draws(seed)) for seed in range(6)}
    assert len(sums) > 1 and any(a != b for a, b in sums)


@pytest.mark.parametrize(
    "program",
    [
        Payload("garbage ( } text", "openqasm3", 3, 3),
        Payload("garbage ( } text", "openqasm2", 3, 3),
        Payload("garbage ( } text", "qir-base", 3, 3),
        Payload(b"garbage ( } text", "qir-base", 3, 3),
        Payload(b"BC\xc0\xdegarbage", "qir-adaptive", 3, 3),
        Payload("", "openqasm3", 3, 3),
        Payload(b"", "qir-base", 3, 3),
        Payload("// nothing", "openqasm3", 3, 3),
        Payload("a\0b", "openqasm3", 3, 3),
        Payload(QIR_BELL, "openqasm3", 3, 3),
        Payload(BELL.program, "qir-adaptive", 3, 3),
        Payload(BELL.program, "openqasm3", 3, 2),
        Payload(BELL.program, "qpy", 3, 3),
        Payload(QIR_BELL.replace("__x__", "__none__"), "qir-base", 3, 3),
        Payload(
            QIR_BELL.replace("call void @__quantum__rt__init", "store i64 0, ptr null\n"
            "call void @__quantum__rt__init"),
            "qir-adaptive", 3, 3,
        ),
        Payload(
            QIR_BELL.replace("call void @__quantum__rt__init", "call void @abort()\n"
            "call void @__quantum__rt__init"),
            "qir-adaptive", 3, 3,
        ),
    ],
)  # fmt: skip
def test_wrong_programs_are_errors(ddsim: QDMIBackend, program: Payload) -> None:
    with pytest.raises(BackendError):
        run(ddsim, program, shots=10)
    (bits,) = run(ddsim, GHZ, shots=10)
    assert len(bits) == 10


def test_a_failed_program_leaves_the_others(ddsim: QDMIBackend) -> None:
    token = ddsim.submit([GHZ, Payload("garbage", "openqasm3", 3, 3)], 100, None)
    with pytest.raises(PartialResults, match="failed") as caught:
        ddsim.results(token)
    found = caught.value.results
    assert found[1] is None and list(caught.value.reasons) == [1]
    assert found[0] is not None and found[0].shape == (100, 3)
    assert ddsim.status(token) is Status.DONE


def test_unexpected_results_leave_the_others(ddsim: QDMIBackend) -> None:
    with pytest.raises(PartialResults, match="where 2 bits") as caught:
        run(ddsim, GHZ, Payload(GHZ.program, "openqasm3", 3, 2), shots=10)
    assert list(caught.value.reasons) == [1]


def test_a_program_without_end_is_cancelled(ddsim: QDMIBackend) -> None:
    token = ddsim.submit([Payload(ENDLESS, "qir-adaptive", 3, 2)], 10, None)
    while ddsim.status(token) is Status.QUEUED:
        time.sleep(0.01)
    assert ddsim.status(token) is Status.RUNNING
    ddsim.cancel(token)
    assert ddsim.status(token) is Status.CANCELLED
    with pytest.raises(BackendError, match="canceled"):
        ddsim.results(token)


def test_a_process_ends_while_a_program_runs() -> None:
    script = (
        "from tests.runtimes.test_qdmi import *\n"
        "on = backend()\n"
        "on.submit([Payload(ENDLESS, 'qir-adaptive', 3, 2)], 10, None)\n"
        "print('submitted')"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, timeout=60
    )
    assert done.stdout == b"submitted\n" and done.returncode == 0, done.stderr


def test_results_of_another_process(ddsim: QDMIBackend) -> None:
    token = ddsim.submit([GHZ], 10, None)
    with pytest.raises(BackendError, match="another process"):
        backend().results(token)


def test_results_that_were_read_are_kept_for_a_while() -> None:
    on = backend()
    unread = on.submit([GHZ], 3, None)
    tokens = [on.submit([GHZ], 3, None) for _ in range(KEPT_AFTER_READING + 1)]
    for token in tokens:
        on.results(token)
    with pytest.raises(BackendError, match="read long ago"):
        on.results(tokens[0])
    assert len(on.results(tokens[1])) == len(on.results(unread)) == 1


def test_threads(ddsim: QDMIBackend) -> None:
    found: dict[int, np.ndarray] = {}

    def work(number: int) -> None:
        (found[number],) = run(ddsim, BELL, shots=50)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[k][:, 0].all() for k in range(6))


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"device": "none"}, BackendError, "ddsim or iqm"),
        ({"library": "/none.so"}, BackendError, "prefix="),
        ({"library": "/none.so", "prefix": "A"}, BackendError, "order="),
        (
            {"library": "/none.so", "prefix": "A", "order": "first"},
            BackendError,
            "cannot open",
        ),
        ({"library": "/n.so", "prefix": "A", "order": "x"}, BackendError, "'first' or"),
        ({"url": "x"}, TypeError, "'url'"),
        ({"token": "secret"}, BackendError, "QDMI_ERROR_NOTSUPPORTED"),
    ],
)
def test_wrong_options(
    options: dict[str, str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        backend(**options)  # pyright: ignore[reportArgumentType]
    assert "secret" not in str(caught.value)


def test_a_package_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drivers, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match="pip install mqt-core"):
        backend()


def test_a_library_of_another_kind() -> None:
    library = find_spec("_ctypes")
    assert library is not None and library.origin is not None
    with pytest.raises(BackendError, match="no symbol"):
        backend(library=library.origin, prefix="A", order="first")


# IQM's driver.


@pytest.fixture
def iqm(ddsim: QDMIBackend) -> Iterator[IQMServer]:
    pytest.importorskip("iqm.qdmi")

    def simulate(program: str, shots: int) -> np.ndarray:
        (bits,) = run(ddsim, Payload(program, "qir-adaptive", 3, 3), shots=shots)
        return bits

    with iqm_server(simulate) as server:
        yield server


def connect(server: IQMServer) -> QDMIBackend:
    return backend(device="iqm", baseurl=server.url, token="a-secret")


IQM_BELL = Payload(QIR_BELL, "qir-base", 3, 3)


def test_what_iqm_says_of_itself(iqm: IQMServer) -> None:
    on = connect(iqm)
    assert on.formats == ("qir-base",)
    assert "a-secret" not in repr(on) + repr(vars(on))
    assert {token for _, token in iqm.requests} == {"Bearer a-secret"}
    found = on.describe()
    assert found.name == "garnet" and found.num_qubits == 3
    assert [site.name for site in found.sites] == ["QB1", "QB2", "QB3"]
    assert found.sites[0].t1 == pytest.approx(3e-5)  # pyright: ignore[reportUnknownMemberType]
    assert found.coupling is not None
    assert {tuple(sorted(pair)) for pair in found.coupling} == {(0, 1), (1, 2)}
    operations = {o.name: o for o in found.operations}
    assert set(operations) == {"prx", "cz", "measure"}
    assert operations["cz"].fidelities == {(0, 1): 0.99}
    assert operations["prx"].fidelities == {(0,): 0.999}


def test_iqm_runs_a_batch(iqm: IQMServer) -> None:
    on = connect(iqm)
    iqm.polls = 2
    token = on.submit([IQM_BELL, IQM_BELL], 500, None)
    assert on.status(token) is Status.QUEUED
    for bits in on.results(token):
        assert_distributed(bits, {"100": 0.5, "111": 0.5})
    (job,) = iqm.jobs.values()
    assert job["request"]["circuits"] == [QIR_BELL, QIR_BELL]
    assert "a-secret" not in json.dumps(token)


def test_iqm_jobs_are_found_again(iqm: IQMServer) -> None:
    token = connect(iqm).submit([IQM_BELL], 500, None)
    (bits,) = connect(iqm).results(json.loads(json.dumps(token)))
    assert_distributed(bits, {"100": 0.5, "111": 0.5})


def test_iqm_takes_no_bitcode(iqm: IQMServer) -> None:
    bitcode = binding.parse_assembly(QIR_BELL).as_bitcode()
    with pytest.raises(BackendError, match="as text, and no bitcode"):
        connect(iqm).submit([Payload(bitcode, "qir-base", 3, 3)], 10, None)


def test_iqm_takes_no_openqasm(iqm: IQMServer) -> None:
    with pytest.raises(BackendError, match="only in qir-base"):
        connect(iqm).submit([GHZ], 10, None)


def test_iqm_job_that_fails(iqm: IQMServer) -> None:
    on = connect(iqm)
    token = on.submit([Payload("garbage", "qir-base", 3, 3)], 10, None)
    with pytest.raises(BackendError, match="failed"):
        on.results(token)
    assert on.status(token) is Status.FAILED


def test_iqm_cancels(iqm: IQMServer) -> None:
    on = connect(iqm)
    iqm.polls = 100
    token = on.submit([IQM_BELL], 10, None)
    on.cancel(token)
    assert on.status(token) is Status.CANCELLED


def test_a_fault_of_the_server(iqm: IQMServer) -> None:
    on = connect(iqm)
    token = on.submit([IQM_BELL], 500, None)
    iqm.faults.append(500)
    with pytest.raises(BackendError, match="QDMI_ERROR_FATAL") as caught:
        on.status(token)
    assert caught.value.retry
    (bits,) = on.results(token)
    assert_distributed(bits, {"100": 0.5, "111": 0.5})


def test_a_fault_while_results_are_fetched(iqm: IQMServer) -> None:
    on = connect(iqm)
    token = on.submit([IQM_BELL], 500, None)
    assert on.status(token) is Status.DONE
    iqm.faults += [500]
    with pytest.raises(BackendError) as caught:
        on.results(token)
    assert caught.value.retry
    (bits,) = on.results(token)
    assert_distributed(bits, {"100": 0.5, "111": 0.5})


def test_a_fault_at_submission(iqm: IQMServer) -> None:
    on = connect(iqm)
    iqm.faults.append(500)
    with pytest.raises(BackendError, match="QDMI_ERROR_FATAL") as caught:
        on.submit([IQM_BELL], 10, None)
    assert not caught.value.retry  # It may have been taken.
    run(on, IQM_BELL, shots=10)


def test_no_server() -> None:
    pytest.importorskip("iqm.qdmi")
    with pytest.raises(BackendError, match="A QDMI session"):
        backend(device="iqm", baseurl="http://127.0.0.1:9", token="x")


# A driver of QDMI 1.2: programs are parameters, and a result is the program's text.

OLD_DRIVER = r"""
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
typedef struct { int status, format; char *text; size_t shots; } Job;
static int give(const void *from, size_t have, size_t size, void *to, size_t *need) {
  if (need) *need = have;
  if (to) { if (size < have) return -7; memcpy(to, from, have); }
  return 0;
}
int OLD_QDMI_device_initialize(void) { return 0; }
int OLD_QDMI_device_session_alloc(void **s) { *s = malloc(1); return 0; }
int OLD_QDMI_device_session_set_parameter(void *s, int p, size_t n, const void *v)
{ return -9; }
int OLD_QDMI_device_session_init(void *s) { return 0; }
void OLD_QDMI_device_session_free(void *s) { free(s); }
int OLD_QDMI_device_session_query_device_property(void *s, int p, size_t n, void *v,
                                                  size_t *r) {
  int formats[] = {0, 1};
  return p == 15 ? give(formats, sizeof formats, n, v, r) : -9;
}
int OLD_QDMI_device_session_query_site_property(void *s, void *x, int p, size_t n,
                                                void *v, size_t *r) { return -9; }
int OLD_QDMI_device_session_query_operation_property(void *s, void *o, size_t c,
  const void *x, size_t k, const double *d, int p, size_t n, void *v, size_t *r)
{ return -9; }
int OLD_QDMI_device_session_create_device_job(void *s, void **j)
{ *j = calloc(1, sizeof(Job)); return 0; }
int OLD_QDMI_device_job_set_parameter(Job *j, int p, size_t n, const void *v) {
  if (p == 0) j->format = *(const int *)v;
  else if (p == 1) { free(j->text); j->text = memcpy(malloc(n), v, n); }
  else if (p == 2) j->shots = *(const size_t *)v;
  else return -9;
  return 0;
}
int OLD_QDMI_device_job_query_property(Job *j, int p, size_t n, void *v, size_t *r) {
  static int count; char id[2] = {'a' + count, 0};
  if (v) count++;
  return p ? -9 : give(id, 2, n, v, r);
}
int OLD_QDMI_device_job_submit(Job *j) { j->status = j->format == 1 ? 4 : 6; return 0; }
int OLD_QDMI_device_job_cancel(Job *j) { return -7; }
int OLD_QDMI_device_job_check(Job *j, int *s) { *s = j->status; return 0; }
int OLD_QDMI_device_job_get_results(Job *j, int what, size_t n, void *v, size_t *r) {
  if (j->status != 4) return -10;
  if (what == 1) return give(j->text, strlen(j->text) + 1, n, v, r);
  return what == 2 ? give(&j->shots, sizeof(size_t), n, v, r) : -9;
}
void OLD_QDMI_device_job_free(Job *j) { free(j->text); free(j); }
"""


@pytest.mark.parametrize("order, expected", [("first", [0, 1, 1]), ("last", [1, 1, 0])])
def test_a_driver_of_1_2(tmp_path: Path, order: str, expected: list[int]) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source, library = tmp_path / "old.c", tmp_path / "libold.so"
    source.write_text(OLD_DRIVER)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    on = backend(library=str(library), prefix="OLD", order=order)  # pyright: ignore[reportArgumentType]
    token = on.submit([Payload("011", "openqasm3", 3, 3)] * 2, 5, 3)
    assert len(token["jobs"]) == 2
    for bits in on.results(token):
        assert bits.tolist() == [expected] * 5
    with pytest.raises(BackendError, match="failed"):
        run(on, Payload("011", "openqasm2", 3, 3), shots=5)
