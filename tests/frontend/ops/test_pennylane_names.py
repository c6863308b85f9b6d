"""Names, order and defaults of parameters are PennyLane's, or it is said why not."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pennylane as qml
import pytest

import qjit as qj
from qjit.diagnostics.keywords import KEYWORDS
from qjit.dialects.gates import GATES
from qjit.errors import ArgumentError, ParameterError, QJitError

# Functions of the same name that are something else, or of which only the call matters.
OTHERS = {
    "QNode": "made by the decorator `qnode`",
    "apply": "the second parameter is PennyLane's own queue",
    "clifford_t_decomposition": "PennyLane's is a transform of tapes",
    "decompose": "PennyLane's is a transform of tapes",
    "defer_measurements": "PennyLane's is a transform of tapes",
    "draw": "levels are passes, and widths characters",
    "draw_mpl": "levels are passes",
    "from_qasm": "version 3 too, and outputs by name",
    "from_qiskit": "the circuit's own measurements, and outputs by register",
    "metric_tensor": "PennyLane's is a transform of tapes",
    "mitigate_with_zne": "PennyLane's is a transform of tapes",
    "snapshots": "PennyLane's is a transform of tapes",
    "specs": "levels are passes",
}
# Parameters that have no meaning here, and raise where they are not taken.
ABSENT: dict[str, dict[str, str]] = {
    "Hamiltonian": dict.fromkeys(("_grouping_indices", "_pauli_rep"), "private"),
    "Snapshot": {"shots": "a snapshot is of the state"},
    "counts": dict.fromkeys(("op", "all_outcomes"), "of wires and measured values"),
    "expval": {"op": "by position"},
    "probs": {"op": "of wires and measured values"},
    "qjit": {"compiler": "qjit is the compiler"},
    "qnode": {"func": "the device, or the function, comes first"},
}
# Where PennyLane's first parameter is another, but takes what ours does.
FIRST = {"counts": "wires", "sample": "wires", "qjit": "fn", "qnode": "device"}
# PennyLane gives these by position in any number, or dispatches on the first.
VARYING = {
    "DiagonalQubitUnitary": ["D"],
    "DoubleExcitationMinus": ["phi"],
    "Projector": ["state"],
    "device": [],
    "evolve": ["op", "coeff"],
}
DEFAULTS = {
    ("BasicEntanglerLayers", "wires"): "needed, in PennyLane as well",
    ("StatePrep", "validate_norm"): "the norm is always checked",
    ("density_matrix", "wires"): "all wires when left out",
    ("for_loop", "stop"): "the same",
    ("grad", "argnums"): "the same",
    ("value_and_grad", "argnums"): "the same: the first argument",
    ("StronglyEntanglingLayers", "imprimitive"): "the same gate",
    ("exp", "coeff"): "the same number",
    ("set_shots", "shots"): "a mark of its own, in PennyLane as well",
    ("device", "name"): "there is one device by default",
}
NAMES = sorted(
    name
    for name in dir(qj)
    if name[0] != "_"
    and callable(getattr(qj, name))
    and callable(getattr(qml, name, None))
    and name not in OTHERS
)


ABSENT["sample"] = dict.fromkeys(("op", "dtype"), "of wires and measured values")
ABSENT["var"] = ABSENT["expval"]


def parameters(function: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


def theirs(name: str) -> list[inspect.Parameter]:
    """PennyLane's parameters that are given by name."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    found = parameters(getattr(qml, name)).values()
    return [each for each in found if each.kind not in kinds]


@pytest.mark.parametrize("name", NAMES)
def test_parameters_have_the_names_and_the_order_of_pennylane(name: str) -> None:
    ours = parameters(getattr(qj, name))
    absent = ABSENT.get(name, {}).keys() - ours.keys()
    wanted = [p for p in theirs(name) if p.name not in absent]
    names = [*VARYING.get(name, []), *(p.name for p in wanted)]
    assert set(names) <= ours.keys(), f"{name}{inspect.signature(getattr(qj, name))}"
    if name not in FIRST and not {"args", "ops", "summands"} & ours.keys():
        by_position = [p for p in names if p not in keyword_only(wanted)]
        assert [p for p in ours if p in by_position] == by_position
    for each in wanted:
        if (name, each.name) not in DEFAULTS:
            found = ours[each.name].default
            assert same_default(found, each.default), each


def keyword_only(given: list[inspect.Parameter]) -> set[str]:
    return {p.name for p in given if p.kind is inspect.Parameter.KEYWORD_ONLY}


def same_default(ours: Any, wanted: Any) -> bool:
    if type(wanted) is object:  # stands for what was not given
        wanted = None
    empty = (inspect.Parameter.empty, None, ())
    same = str(getattr(wanted, "value", wanted)) == str(ours)
    return same or (ours in empty and wanted in empty)


def test_what_is_listed_is_needed() -> None:
    for name, absent in ABSENT.items():
        assert absent.keys() <= parameters(getattr(qml, name)).keys()
    for name, parameter in DEFAULTS:
        assert parameter in parameters(getattr(qj, name))
    for name in OTHERS:
        assert hasattr(qj, name)
        assert hasattr(qml, name)


IGNORED: list[Callable[[], tuple[Any, Any]]] = [
    lambda: (qj.RX(0.3, 0, id="a"), qj.RX(phi=0.3, wires=0)),
    lambda: (qj.Rot(0.1, omega=0.3, theta=0.2, wires=1), qj.Rot(0.1, 0.2, 0.3, 1)),
    lambda: (
        qj.MultiControlledX([0, 1, 2], work_wires=[3], work_wire_type="zeroed"),
        qj.Toffoli([0, 1, 2]),
    ),
    lambda: (qj.adjoint(qj.S(0), lazy=False), qj.adjoint(qj.S(0))),
    lambda: (qj.ctrl(qj.S(0), 1, work_wires=2), qj.ctrl(op=qj.S(0), control=1)),
    lambda: (qj.sum(qj.X(0), qj.Z(0), id="a"), qj.X(0) + qj.Z(0)),
    lambda: (qj.QFT([0, 1], id="a"), qj.QFT(wires=[0, 1])),
    lambda: (qj.dot([1.0], [qj.X(0)], pauli=False, method="rlf"), 1.0 * qj.X(0)),
    lambda: (qj.evolve(qj.X(0), time=0.2), qj.evolve(op=qj.X(0), coeff=0.2)),
]


@pytest.mark.parametrize("case", range(len(IGNORED)))
def test_keywords_without_effect(case: int) -> None:
    left, right = IGNORED[case]()
    if left.name in ("QFT", "evolve"):
        assert repr(left) == repr(right)
    else:
        np.testing.assert_allclose(left.matrix(), right.matrix())


REFUSED: list[Callable[[], Any]] = [
    lambda: qj.dot([1.0], [qj.X(0)], pauli=True),
    lambda: qj.sum(qj.X(0), qj.Z(0), grouping_type="qwc"),
    lambda: qj.Hamiltonian([1.0], [qj.X(0)], grouping_type="commuting"),
    lambda: qj.ctrl(qj.S(0), 1, work_wire_type="dirty"),
    lambda: qj.for_loop(3, allow_array_resizing=True),
    lambda: qj.pauli_decompose(np.array([[0, 1], [0, 0]])),
    lambda: qj.grad(np.sum, method="backprop"),
    lambda: qj.grad(np.sum, h=0.1),
]
WRONG_CALLS: list[Callable[[], Any]] = [
    lambda: qj.QFT(),
    lambda: qj.QFT(wires=[0, 1], inverse=True),
    lambda: qj.PauliRot(0.3, wires=[0]),
    lambda: qj.Hermitian(np.eye(2)),
    lambda: qj.adjoint(),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_values_that_would_change_the_result_are_refused(case: int) -> None:
    with pytest.raises(QJitError, match=r"test_pennylane_names.py:\d+: "):
        REFUSED[case]()


@pytest.mark.parametrize("case", range(len(WRONG_CALLS)))
def test_wrong_calls_are_named(case: int) -> None:
    with pytest.raises(ArgumentError, match=r"names.py:\d+: .* It takes "):
        WRONG_CALLS[case]()
    with pytest.raises(TypeError):
        WRONG_CALLS[case]()


@pytest.mark.parametrize("name", [n for n in NAMES if n in GATES])
def test_a_parameter_given_twice_or_misspelt_is_refused(name: str) -> None:
    gate, record = getattr(qj, name), GATES[name]
    given = {each: 0.1 for each in record.parameters}
    if set(record.static) - set(record.words) or record.num_wires is None:
        pytest.skip("its other arguments are needed as well")
    wires = list(range(record.num_wires))
    with pytest.raises(QJitError):
        gate(**given, wires=wires, angle=0.3)
    if given:
        with pytest.raises(QJitError):
            gate(0.2, **given, wires=wires)


def test_every_keyword_is_known_to_pennylane() -> None:
    known = {each.name for name in NAMES for each in theirs(name)}
    assert KEYWORDS.keys() <= known


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RXX", "IsingXX"),
        ("rx", "RX"),
        ("cnot", "CNOT"),
        ("Hadamrd", "Hadamard"),
        ("expvall", "expval"),
        ("StronglyEntanglingLayer", "StronglyEntanglingLayers"),
        ("cswap", "CSWAP"),
        ("ccx", "CCX"),
    ],
)
def test_misspelt_names_have_suggestions(name: str, meant: str) -> None:
    with pytest.raises(AttributeError, match=f"Did you mean .*qjit.{meant}\\b") as info:
        getattr(qj, name)
    assert isinstance(info.value, QJitError)
    assert f"{__name__.rsplit('.', 1)[-1]}.py:" in str(info.value)


def test_names_like_nothing() -> None:
    with pytest.raises(AttributeError, match=r"dir\(qjit\) lists"):
        qj.zzzzqqqq  # noqa: B018
    assert not hasattr(qj, "__wrapped__")
    assert getattr(qj, "no_such_name_at_all", None) is None


def test_shapes_of_weights() -> None:
    for name in ("BasicEntanglerLayers", "StronglyEntanglingLayers"):
        ours, wanted = getattr(qj, name).shape, getattr(qml, name).shape
        for sizes in ((1, 1), (2, 3), (4, 2)):
            assert ours(*sizes) == wanted(*sizes)
        assert ours(n_layers=2, n_wires=3) == wanted(2, 3)
    with pytest.raises(ParameterError, match="no multiple of the 2 wire"):
        qj.matrix(qj.StronglyEntanglingLayers(np.zeros((1, 2, 3)), [0, 1], ranges=[2]))
