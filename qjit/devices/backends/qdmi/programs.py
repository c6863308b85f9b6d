"""Programs as QDMI takes them, and the bits of their results."""

import struct

import numpy as np

from qjit.devices.backends.protocol import BackendError, Payload

from . import library as library_of
from .drivers import Order
from .library import CodeError, Job

# Formats by number, the best first: which one, and whether it is a text.
FORMATS = {
    4: ("qir-adaptive", True),
    5: ("qir-adaptive", False),
    1: ("openqasm3", True),
    2: ("qir-base", True),
    3: ("qir-base", False),
    0: ("openqasm2", True),
}


def read_bits(job: Job, index: int, shape: tuple[int, int], order: Order) -> np.ndarray:
    """Return the bits of a program that is done.

    Args:
        job: the job that it is in.
        index: which program of it.
        shape: the number of shots, and of bits of each.
        order: which bit stands first in keys.

    Raises:
        BackendError: if these are not the results of so many shots and bits.
    """
    shots, num_bits = shape
    if num_bits == 0:
        return np.zeros((shots, 0), np.uint8)
    try:
        keys = library_of.text(job.results(index, library_of.HISTOGRAM_KEYS)).split(",")
        values = job.results(index, library_of.HISTOGRAM_VALUES)
        counts = list(struct.unpack(f"{len(values) // 8}Q", values))
    except CodeError as error:
        if error.code not in (library_of.NOT_SUPPORTED, library_of.NOT_IMPLEMENTED):
            raise
        keys = library_of.text(job.results(index, library_of.SHOTS)).split(",")
        counts = [1] * len(keys)
    if len(keys) != len(counts) or sum(counts) != shots:
        raise BackendError(f"A QDMI job has {sum(counts)} results of {shots} shots")
    if any(len(key) != num_bits or set(key) - set("01") for key in keys):
        raise BackendError(
            f"A QDMI job has results such as {keys[0]!r}, where {num_bits} bits of 0 "
            "and 1 were expected"
        )
    bits = np.frombuffer("".join(keys).encode(), np.uint8).reshape(-1, num_bits) - ord(
        "0"
    )
    return np.repeat(bits if order == "first" else bits[:, ::-1], counts, axis=0)


def probe(form: int) -> Payload:
    """Return a circuit of two bits, the first of which is 1."""
    name, _ = FORMATS[form]
    return Payload(_PROBES.get(name, _QIR_PROBE), name, 2, 2)


_PROBES = {
    "openqasm3": 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; x q[0]; '
    "c[0] = measure q[0]; c[1] = measure q[1];",
    "openqasm2": 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; x q[0]; '
    "measure q[0] -> c[0]; measure q[1] -> c[1];",
}
_QIR_PROBE = """
@r0 = internal constant [3 x i8] c"r0\\00"
@r1 = internal constant [3 x i8] c"r1\\00"
define i64 @main() #0 {
  call void @__quantum__rt__initialize(ptr null)
  call void @__quantum__qis__x__body(ptr null)
  call void @__quantum__qis__mz__body(ptr null, ptr null)
  call void @__quantum__qis__mz__body(ptr inttoptr (i64 1 to ptr), \
ptr inttoptr (i64 1 to ptr))
  call void @__quantum__rt__result_record_output(ptr null, ptr @r0)
  call void @__quantum__rt__result_record_output(ptr inttoptr (i64 1 to ptr), ptr @r1)
  ret i64 0
}
declare void @__quantum__rt__initialize(ptr)
declare void @__quantum__qis__x__body(ptr)
declare void @__quantum__qis__mz__body(ptr, ptr writeonly)
declare void @__quantum__rt__result_record_output(ptr, ptr)
attributes #0 = { "entry_point" "qir_profiles"="base_profile" \
"output_labeling_schema"="labeled" \
"required_num_qubits"="2" "required_num_results"="2" }
!llvm.module.flags = !{!0, !1, !2, !3}
!0 = !{i32 1, !"qir_major_version", i32 2}
!1 = !{i32 7, !"qir_minor_version", i32 0}
!2 = !{i32 1, !"dynamic_qubit_management", i1 false}
!3 = !{i32 1, !"dynamic_result_management", i1 false}
"""
