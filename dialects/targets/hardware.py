"""Runtimes of others: languages, machines, and what runs programs on this computer.

What a machine is able to do, is what its vendor's documentation says, and what its
package was seen to do.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qjit.dialects.gates import GATES

from .openqasm import QasmDialect, standard_names
from .qir import (
    BASE,
    CNOT_NAMED,
    IQM,
    MEASURE,
    OTHERS,
    PORTABLE,
    QUANTINUUM,
    QirDialect,
    gates,
    symbols_of,
)
from .record import BY_SHOTS, Target

MANY = 1 << 20
# A state is written without measurements.
WRITTEN = BY_SHOTS | {"state", "density_matrix"}
DERIVATIVES = "parameter-shift", "finite-diff", "spsa"
ON_MACHINES = "hardware:2"
GIVEN_BY_NUMBERS = {
    *("QubitUnitary", "DiagonalQubitUnitary", "ControlledQubitUnitary"),
    *("BasisState", "StatePrep"),
}


def _remote(
    name: str, doc: str, language: QirDialect | QasmDialect | None, **rest: Any
) -> Target:
    """Return a device whose circuits are written in a language."""
    if language is None:
        own, modifiers = frozenset(GATES) - GIVEN_BY_NUMBERS, True
    elif isinstance(language, QirDialect):
        own, modifiers = gates(language), False
    else:
        own = frozenset(language.names or standard_names())
        modifiers = language.has_modifiers
    given: dict[str, Any] = {
        "gates": own | {"GlobalPhase"},
        "modifiers": modifiers,
        "most_wires": MANY,
        "measurements": BY_SHOTS if rest.get("runtime") else WRITTEN,
        "derivatives": DERIVATIVES,
        "state": "remote",
        "bytes_per_amplitude": 0,
        **rest,
    }
    return Target(name, doc, "", language=language, **given)


# OpenQASM, as the standard has it, and as clients take it.

OPENQASM = QasmDialect(has_subroutines=True)
OPENQASM_2 = QasmDialect(
    version=2,
    includes=("qelib1.inc",),
    has_branches=False,
    has_loops=False,
    has_counters=False,
    has_modifiers=False,
    has_numbers=False,
)
# What Qiskit's importer takes and its simulators run: branches on single bits.
QISKIT = QasmDialect(
    has_loops=False, has_counters=False, has_modifiers=False, has_numbers=False
)
STATIC = replace(QISKIT, has_branches=False)
# https://docs.aws.amazon.com/braket/latest/developerguide/braket-openqasm-supported-features.html
BRAKET_NAMES: Mapping[str, str] = {
    **{name: name.lower() for name in ("X", "Y", "Z", "H", "S", "T", "SWAP")},
    **{"adjoint(S)": "si", "adjoint(T)": "ti", "SX": "v", "adjoint(SX)": "vi"},
    **{name: name.lower() for name in ("RX", "RY", "RZ", "CZ", "CY", "CNOT")},
    **{"PhaseShift": "phaseshift", "ControlledPhaseShift": "cphaseshift"},
    **{"IsingXX": "xx", "IsingYY": "yy", "IsingZZ": "zz"},
    **{"Toffoli": "ccnot", "CSWAP": "cswap", "ISWAP": "iswap"},
}
_ION_NAMES = {
    name: BRAKET_NAMES[name]
    for name in (
        *("X", "Y", "Z", "H", "S", "T", "adjoint(S)", "adjoint(T)", "SX"),
        *("adjoint(SX)", "RX", "RY", "RZ", "CNOT", "SWAP"),
        *("IsingXX", "IsingYY", "IsingZZ"),
    )
}


def _braket(names: Mapping[str, str], *, branches: bool) -> QasmDialect:
    return replace(
        QISKIT, names=names, includes=(), has_branches=branches, one_register=True
    )


# QIR, by what the consumers of the two profiles know.

QIR = QirDialect()
QIR_FORWARD = QirDialect(
    has_loops=False, has_integers=False, has_floats=False, symbols=PORTABLE
)
QIR_BASE = QirDialect(BASE)
HELIOS = QirDialect(symbols=QUANTINUUM)
H_SERIES = QirDialect(symbols=QUANTINUUM, has_loops=False, has_floats=False)
IQM_QIR = QirDialect(BASE, symbols=IQM)
OQC_QIR = QirDialect(
    BASE,
    bitcode=True,
    symbols={
        MEASURE: OTHERS[MEASURE],
        **symbols_of(["X", "Y", "Z", "H", "S", "T", "RX", "RY", "RZ", "CZ"]),
        "CNOT": CNOT_NAMED["CNOT"],
    },
)

LANGUAGES = (
    _remote("openqasm3", "OpenQASM 3, all of it that is standard.", OPENQASM),
    _remote("qiskit-circuit", "Circuits as objects of Qiskit.", None),
    _remote("openqasm2", "OpenQASM 2, without branches.", OPENQASM_2),
    _remote("qir-base", "QIR 2.1, the base profile.", QIR_BASE),
    _remote(
        "qir-adaptive",
        "QIR 2.1, the adaptive profile with forward branches only.",
        QIR_FORWARD,
    ),
    _remote(
        "qir-adaptive-loops",
        "QIR 2.1, the adaptive profile with loops and numbers.",
        QIR,
    ),
)

# Backends that users make: "backend.qir-base" is one that takes this format.
BACKEND = "backend"
FORMATS = {
    "openqasm3": "openqasm3",
    "openqasm2": "openqasm2",
    "qir-adaptive": "qir-adaptive-loops",
    "qir-base": "qir-base",
}


def of_backend(name: str, language: Target) -> Target:
    """Return the record of a backend that takes a language."""
    own = {"runtime": BACKEND, "measurements": BY_SHOTS, "is_described": True}
    return replace(language, name=name, **own)


MACHINES = (
    _remote(
        "quantinuum-helios",
        "Quantinuum Helios: ions, all to all, with loops.",
        HELIOS,
        most_wires=98,
        pipeline=ON_MACHINES,
        most_shots=10_000,
    ),
    _remote(
        "quantinuum-h2",
        "Quantinuum H2: ions, all to all, with forward branches.",
        H_SERIES,
        most_wires=56,
        pipeline=ON_MACHINES,
        most_shots=10_000,
    ),
    _remote(
        "ionq-aria",
        "IonQ Aria: ions, all to all; its own gates, as Braket spells them.",
        _braket(
            {"GPI": "gpi", "GPI2": "gpi2", "IsingXX": "ms(0, 0, {0})"}, branches=False
        ),
        most_wires=25,
        pipeline=ON_MACHINES,
        most_shots=10_000,
    ),
    _remote(
        "ionq-forte",
        "IonQ Forte: ions, all to all; its own gates, as Braket spells them.",
        _braket({"GPI": "gpi", "GPI2": "gpi2", "IsingZZ": "zz"}, branches=False),
        most_wires=36,
        pipeline=ON_MACHINES,
        most_shots=10_000,
    ),
    _remote(
        "iqm-garnet",
        "IQM Garnet: 20 transmons on a square grid; QIR of the base profile.",
        IQM_QIR,
        most_wires=20,
        pipeline=ON_MACHINES,
        most_shots=20_000,
    ),
    _remote(
        "ibm-heron",
        "IBM Heron: transmons; OpenQASM 3 as Qiskit takes it.",
        QISKIT,
        gates=frozenset({"RZ", "SX", "X", "CZ", "GlobalPhase"}),
        modifiers=False,
        most_wires=156,
        pipeline=ON_MACHINES,
        most_shots=100_000,
    ),
    _remote(
        "braket-ionq",
        "IonQ's machines at Amazon Braket.",
        _braket(_ION_NAMES, branches=False),
        most_wires=36,
        pipeline=ON_MACHINES,
    ),
    _remote(
        "oqc",
        "Oxford Quantum Circuits: bitcode of QIR's base profile.",
        OQC_QIR,
        most_wires=32,
        pipeline=ON_MACHINES,
    ),
)

# What runs here, or through a client: the names after a point are the machines.
_AS_QISKIT: Mapping[str, Any] = {
    "is_described": True,
    "gates": frozenset({"RZ", "SX", "X", "CZ", "CNOT", "GlobalPhase"}),
    "modifiers": False,
    "pipeline": ON_MACHINES,
}
RUNTIMES = (
    _remote(
        "qir-runner", "The QIR runner of the QIR Alliance.", QIR, runtime="qir-runner"
    ),
    _remote("qdk", "Microsoft's simulators of QIR.", QIR, runtime="qdk"),
    _remote("qdmi", "A device of QDMI, MQT's DDSIM by default.", QIR, runtime="qdmi"),
    _remote(
        "quantinuum.selene",
        "Quantinuum's emulator of Helios.",
        HELIOS,
        runtime="selene",
        pipeline=ON_MACHINES,
    ),
    _remote(
        "braket.local",
        "Amazon Braket's simulator on this computer.",
        _braket(BRAKET_NAMES, branches=True),
        runtime="braket",
    ),
    _remote(
        "braket",
        "A device at Amazon Braket, by its ARN: device=...",
        _braket(BRAKET_NAMES, branches=False),
        runtime="braket",
        is_described=True,
        pipeline=ON_MACHINES,
    ),
    _remote(
        "qiskit",
        "Any backend of Qiskit: backend=...",
        QISKIT,
        runtime="qiskit",
        is_described=True,
    ),
)
FAMILIES: Mapping[str, Target] = {
    "ibm": _remote(
        "ibm",
        "IBM's machines, such as ibm.ibm_fez, and ibm.fake_manila and its like.",
        QISKIT,
        runtime="ibm",
        machine="backend",
        most_shots=100_000,
        **_AS_QISKIT,
    ),
    "iqm": _remote(
        "iqm",
        "IQM's machines, and simulations of them such as iqm.fake_adonis.",
        STATIC,
        runtime="iqm",
        machine="backend",
        **_AS_QISKIT,
    ),
    "aqt": _remote(
        "aqt",
        "AQT's machines, and aqt.offline_simulator_no_noise.",
        STATIC,
        runtime="aqt",
        machine="backend",
        **{**_AS_QISKIT, "gates": frozenset({"RX", "RY", "RZ", "CNOT", "GlobalPhase"})},
    ),
    "ionq": _remote(
        "ionq",
        "IonQ's machines, such as ionq.qpu.forte-1, and ionq.simulator.",
        STATIC,
        runtime="ionq",
        machine="backend",
        pipeline=ON_MACHINES,
        most_shots=10_000,
    ),
}
