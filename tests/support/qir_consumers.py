"""Packages of others that read QIR, asked whether they take a text."""

import re
from importlib.util import find_spec

import pytest

# And some of TKET.
QIRCHECK_GATES = {
    *("h", "x", "y", "z", "s", "t", "rx", "ry", "rz", "u1q"),
    *("cz", "cnot", "rzz", "mz", "reset"),
}


def check_qir(text: str, profile: str, *, helios: bool = True) -> None:
    """Assert that LLVM, and the consumers of its profile, take a text of QIR.

    Args:
        text: the module.
        profile: "base" or "adaptive".
        helios: whether its gates are those of Quantinuum's Helios: not sx, cy, swap,
            rxx, ryy nor barriers.
    """
    check_pyqir(text, profile)
    if helios:
        check_qir_qis(text)
    if profile == "base" and qircheck_takes(text):
        check_qircheck(text)


def check_pyqir(text: str, profile: str) -> None:
    """Assert that LLVM 20 reads and verifies a module with one entry point."""
    pyqir = pytest.importorskip("pyqir")
    module = pyqir.Module.from_ir(pyqir.Context(), text)
    assert module.verify() is None
    (entry,) = filter(pyqir.is_entry_point, module.functions)
    attributes = entry.attributes.func
    assert attributes["qir_profiles"].string_value == f"{profile}_profile"
    assert pyqir.required_num_qubits(entry) is not None
    assert pyqir.required_num_results(entry) is not None
    assert pyqir.qir_major_version(module) == 2


def check_qir_qis(text: str) -> None:
    """Assert that Quantinuum's compiler for Helios accepts a module."""
    qir_qis = pytest.importorskip("qir_qis")
    qir_qis.validate_qir(qir_qis.qir_ll_to_bc(text))


def qircheck_takes(text: str) -> bool:
    """Return whether the checker of the H series knows all gates.

    It knows CNOT as `cnot` only. It does not install on Python 3.12 and newer.
    """
    if find_spec("quantinuum_qircheck") is None:
        return False
    gates = re.findall(r"__quantum__qis__(\w+)__(?:body|adj)\(", text)
    return set(gates) <= QIRCHECK_GATES


def check_qircheck(text: str) -> None:
    """Assert that the checker of Quantinuum's H series accepts a module."""
    pytest.importorskip("quantinuum_qircheck").qircheck(text)
