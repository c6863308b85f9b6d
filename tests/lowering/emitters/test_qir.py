"""QIR: blocks, flags that say what is used, and programs that LLVM verifies."""

import re
from typing import Any

import llvmlite.binding as llvm
import pytest
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import Float32Type, IndexType, f32, f64, i1, i32, i64
from xdsl.dialects.test import TestOp as AnyOp

from qjit.dialects.gates import GATES
from qjit.dialects.targets.qir import (
    CNOT_NAMED,
    IQM,
    QUANTINUUM,
    QirDialect,
    gates,
    symbols_of,
)
from qjit.lowering.emitters.emitter import AppliedGate, EmissionError
from tests.support.qir_programs import CASES, bell, computed, emitter, gate

BASE = QirDialect("base")
ADAPTIVE = QirDialect()


def flags(text: str) -> dict[str, str]:
    """Return the module flags, and what they refer to."""
    nodes = dict(re.findall(r"^(!\d+) = !\{(.*)\}$", text, re.M))
    found = re.findall(r'!"(\w+)", (\S+(?: \S+)?)$', "\n".join(nodes.values()), re.M)
    return {name: nodes.get(value, value) for name, value in found}


def blocks(text: str) -> list[str]:
    return re.findall(r"^(\w+):$", text, re.M)


def body(text: str) -> list[str]:
    """Return the instructions of the entry point, with short names of functions."""
    inside = text[text.index("{") + 1 : text.index("}")]
    lines = [line.strip() for line in inside.splitlines() if line.strip()]
    return [re.sub(r"@__quantum__(?:qis|rt)__", "@", line) for line in lines]


@pytest.mark.parametrize("name", CASES)
def test_llvm_verifies_programs_and_their_bitcode(name: str) -> None:
    case = CASES[name]
    text = case.text()
    module = llvm.parse_assembly(text)
    module.verify()
    bitcode = case.write(QirDialect(case.profile, bitcode=True))
    assert isinstance(bitcode, bytes)
    found = str(llvm.parse_bitcode(bitcode)).partition("@results")
    assert found[1:] == str(module).partition("@results")[1:]
    assert "alloca" not in text and "lifetime" not in text


def test_base_profile_measures_last_and_records_results() -> None:
    text = CASES["bell"].text()
    assert blocks(text) == ["entry", "body", "measurements", "output"]
    assert body(text) == [
        "entry:",
        "call void @initialize(ptr null)",
        "br label %body",
        "body:",
        "call void @h__body(ptr null)",
        "call void @cx__body(ptr null, ptr inttoptr (i64 1 to ptr))",
        "br label %measurements",
        "measurements:",
        "call void @mz__body(ptr null, ptr writeonly null)",
        "call void @mz__body(ptr inttoptr (i64 1 to ptr), "
        "ptr writeonly inttoptr (i64 1 to ptr))",
        "br label %output",
        "output:",
        "call void @array_record_output(i64 2, ptr @results)",
        "call void @result_record_output(ptr null, ptr @r0)",
        "call void @result_record_output(ptr inttoptr (i64 1 to ptr), ptr @r1)",
        "ret i64 0",
    ]
    assert '"qir_profiles"="base_profile"' in text
    assert '"required_num_qubits"="2" "required_num_results"="2"' in text
    assert flags(text) == {
        "qir_major_version": "i32 2",
        "qir_minor_version": "i32 1",
        "dynamic_qubit_management": "i1 false",
        "dynamic_result_management": "i1 false",
    }


def test_measurements_of_the_base_profile_are_moved_behind_gates_on_others() -> None:
    to = emitter(2, BASE)
    first = to.measure(0)
    to.gate(gate("X", 1))
    text = to.finish([to.measure(1), first])
    assert isinstance(text, str)
    lines = body(text)
    assert lines.index("measurements:") > lines.index(
        "call void @x__body(ptr inttoptr (i64 1 to ptr))"
    )
    records = [line for line in lines if "result_record" in line]
    assert records[0].endswith("ptr @r0)") and "i64 1" in records[0]
    assert records[1] == "call void @result_record_output(ptr null, ptr @r1)"


def test_flags_say_what_is_used() -> None:
    found = {name: flags(case.text()) for name, case in CASES.items()}
    extra = {name: {*each} - {*found["bell"]} for name, each in found.items()}
    assert extra["bell_adaptive"] == extra["feed_forward"] == set()
    assert extra["integers"] == {"int_computations", "float_computations"}
    assert extra["until_one"] == {"backwards_branching", "float_computations"}
    assert found["until_one"]["backwards_branching"] == "i2 2"
    assert found["integers"]["int_computations"] == '!"i64"'
    assert found["integers"]["float_computations"] == '!"double"'


def test_results_are_read_where_they_decide_and_nowhere_else() -> None:
    text = CASES["bell_adaptive"].text()
    assert "read_result" not in text
    text = CASES["feed_forward"].text()
    assert text.count("%m0 = call i1 @__quantum__rt__read_result(ptr readonly null)")
    assert "%m2" not in text


def test_branches_leave_out_empty_sides_and_merge_values() -> None:
    to = emitter(2)
    outcome = to.measure(0)
    (angle,) = to.branch(
        outcome, lambda: None, lambda: to.gate(gate("X", 1)), lambda: [(0.25, 2.0, f64)]
    )
    to.gate(gate("RX", 1, params=(angle,)))
    (chosen,) = to.branch(
        outcome, lambda: None, lambda: None, lambda: [(1.0, 2.0, f64)]
    )
    to.gate(gate("RY", 1, params=(chosen,)))
    to.branch(outcome, lambda: None, lambda: None, list)
    text = to.finish([])
    assert isinstance(text, str)
    assert body(text)[4:-4] == [
        "br i1 %m0, label %join0, label %else0",
        "else0:",
        "call void @x__body(ptr inttoptr (i64 1 to ptr))",
        "br label %join0",
        "join0:",
        "%v0 = phi double [ 0.25, %entry ], [ 2.0, %else0 ]",
        "call void @rx__body(double %v0, ptr inttoptr (i64 1 to ptr))",
        "%v1 = select i1 %m0, double 1.0, double 2.0",
        "call void @ry__body(double %v1, ptr inttoptr (i64 1 to ptr))",
    ]


def test_loops_have_headers_with_phi_nodes() -> None:
    lines = body(CASES["until_one"].text())
    start = lines.index("loop0:")
    assert lines[start - 1 : start + 5] == [
        "br label %loop0",
        "loop0:",
        "%v1 = phi i1 [ %v0, %entry ], [ %v4, %join1 ]",
        "%v2 = phi double [ 0.5, %entry ], [ %v3, %join1 ]",
        "br i1 %v1, label %body0, label %exit0",
        "body0:",
    ]
    assert "call void @bool_record_output(i1 zeroext %v5, ptr @r2)" in lines


def test_outcomes_of_branches_are_recorded_as_bits() -> None:
    to = emitter(2)
    outcome = to.measure(0)
    inner: list[Any] = []
    (merged,) = to.branch(
        outcome,
        lambda: inner.append(to.measure(1)),
        lambda: None,
        lambda: [(inner[0], 0, i1)],
    )
    text = to.finish([merged, outcome])
    assert isinstance(text, str)
    records = [line for line in body(text) if "_record_" in line][1:]
    assert records == [
        "call void @bool_record_output(i1 zeroext %v0, ptr @r0)",
        "call void @result_record_output(ptr null, ptr @r1)",
    ]


def test_phases_of_all_and_identities_are_left_out() -> None:
    to = emitter(1)
    to.gate(AppliedGate("GlobalPhase", (0.3,), ()))
    to.gate(AppliedGate("I", (), (0,), static={"num_targets": 1}))
    text = to.finish([])
    assert isinstance(text, str) and "qis" not in text


def test_adjoints_by_their_function_or_by_their_angles() -> None:
    to = emitter(2)
    outcome = to.measure(0)
    angle = to.select(outcome, 0.5, 0.25, f64)
    to.gate(gate("adjoint(S)", 1))
    to.gate(gate("adjoint(RX)", 1, params=(0.5,)))
    to.gate(gate("adjoint(RZ)", 1, params=(angle,)))
    to.gate(gate("adjoint(H)", 1))
    text = to.finish([])
    assert isinstance(text, str)
    called = [line for line in body(text) if "i64 1 to ptr" in line or "fsub" in line]
    wire = "ptr inttoptr (i64 1 to ptr))"
    assert called == [
        f"call void @s__adj({wire}",
        f"call void @rx__body(double -0.5, {wire}",
        "%v1 = fsub double -0.0, %v0",
        f"call void @rz__body(double %v1, {wire}",
        f"call void @h__body({wire}",
    ]


def test_controls_make_the_gate_of_that_name() -> None:
    to = emitter(3)
    to.gate(AppliedGate("X", (), (1,), (0,), (1,)))
    to.gate(AppliedGate("X", (), (2,), (0, 1), (1, 1)))
    to.gate(AppliedGate("SWAP", (), (0, 1)))
    text = to.finish([])
    assert isinstance(text, str)
    assert [re.sub(r"\(.*", "", line) for line in body(text) if "void" in line][
        1:5
    ] == [
        "call void @cx__body",
        "call void @ccx__body",
        "call void @cx__body",
        "call void @cx__body",
    ]


def test_qubits_are_swapped_by_gates_of_the_dialect() -> None:
    for symbols, pair in ((QUANTINUUM, "rzz"), (CNOT_NAMED, "cnot"), (IQM, "cz")):
        to = emitter(3, QirDialect(symbols=symbols))
        to.gate(AppliedGate("SWAP", (), (2, 0)))
        text = to.finish([])
        assert isinstance(text, str)
        called = re.findall(r"call void @__quantum__qis__(\w+)__body", text)
        assert called.count(pair) == 3
        assert "i64 1 to ptr" not in text
    to = emitter(2, QirDialect(symbols=symbols_of(["H", "T"])))
    with pytest.raises(EmissionError, match="the gate SWAP"):
        to.gate(AppliedGate("SWAP", (), (0, 1)))


def test_dialects_name_their_own_gates() -> None:
    text = bell(QirDialect("base", CNOT_NAMED, records_array=False))
    assert isinstance(text, str)
    assert "__quantum__qis__cnot__body" in text and "array_record" not in text
    assert gates(QirDialect(symbols=QUANTINUUM)) == {"PRX", "RZ", "IsingZZ"}
    assert gates(QirDialect(symbols=IQM)) == {"PRX", "CZ"}
    to = emitter(1, QirDialect(symbols=QUANTINUUM))
    to.gate(gate("PRX", 0, params=(0.5, 0.25)))
    text = to.finish([])
    assert "@__quantum__qis__rxy__body(double 0.5, double 0.25, ptr null)" in str(text)


def test_portable_names_are_those_of_the_gate_records() -> None:
    assert symbols_of(["CNOT"])["CNOT"] == "__quantum__qis__cx__body"
    assert GATES["CNOT"].qir == "cx"
    with pytest.raises(KeyError, match="ISWAP"):
        symbols_of(["ISWAP"])


def number(to: Any, kind: Any) -> Any:
    """Return a number that an outcome decides."""
    one, zero = (1, 0) if kind not in (f32, f64) else (1.5, -2.0)
    return to.select(to.measure(0), one, zero, kind)


INTEGER = [
    *("AddiOp", "SubiOp", "MuliOp", "DivSIOp", "DivUIOp", "RemSIOp", "RemUIOp"),
    *("AndIOp", "OrIOp", "XOrIOp", "ShLIOp", "ShRUIOp", "ShRSIOp"),
    *("MaxSIOp", "MinSIOp", "MaxUIOp", "MinUIOp"),
]
FLOAT = [
    *("AddfOp", "SubfOp", "MulfOp", "DivfOp"),
    *("MaximumfOp", "MinimumfOp", "MaxnumfOp", "MinnumfOp"),
]


@pytest.mark.parametrize("name", [*INTEGER, *FLOAT])
@pytest.mark.parametrize("wide", [False, True])
def test_operations_of_two_numbers(name: str, wide: bool) -> None:
    kind = (i64 if wide else i32) if name in INTEGER else (f64 if wide else f32)
    to = emitter(1)
    value = number(to, kind)
    found = computed(to, getattr(arith, name), [(value, kind), (value, kind)])
    predicate = "sgt" if name in INTEGER else "ogt"
    compare = arith.CmpiOp if name in INTEGER else arith.CmpfOp
    bit = computed(to, compare, [(found, kind), (value, kind)], predicate)
    text = to.finish([bit])
    names = {i32: "i32", i64: "i64", f32: "float", f64: "double"}
    flag = "int_computations" if name in INTEGER else "float_computations"
    assert flags(str(text))[flag] == f'!"{names[kind]}"'


@pytest.mark.parametrize("predicate", range(10))
def test_comparisons_of_integers(predicate: int) -> None:
    to = emitter(1)
    value = number(to, i64)
    bit = computed(to, arith.CmpiOp, [(value, i64), (3, i64)], predicate)
    words = ["eq", "ne", "slt", "sle", "sgt", "sge", "ult", "ule", "ugt", "uge"]
    assert f"icmp {words[predicate]} i64 %v0, 3" in str(to.finish([bit]))


@pytest.mark.parametrize("predicate", range(16))
def test_comparisons_of_floats_hold_where_they_should(predicate: int) -> None:
    to = emitter(1)
    value = number(to, f64)
    bit = computed(to, arith.CmpfOp, [(value, f64), (0.5, f64)], predicate)
    text = str(to.finish([bit]))
    assert not re.search(r"fcmp u", text), "not all simulators know them"


@pytest.mark.parametrize(
    ("kind", "source", "wanted", "instruction"),
    [
        (arith.ExtUIOp, i1, i64, "zext i1 %v0 to i64"),
        (arith.ExtSIOp, i32, i64, "sext i32 %v0 to i64"),
        (arith.TruncIOp, i64, i32, "trunc i64 %v0 to i32"),
        (arith.SIToFPOp, i64, f64, "sitofp i64 %v0 to double"),
        (arith.UIToFPOp, i1, f64, "uitofp i1 %v0 to double"),
        (arith.ExtFOp, f32, f64, "fpext float %v0 to double"),
        (arith.TruncFOp, f64, f32, "fptrunc double %v0 to float"),
        (arith.IndexCastOp, i32, IndexType(), "sext i32 %v0 to i64"),
        (arith.FPToSIOp, f64, i64, "fptosi double %v6 to i64"),
    ],
)
def test_casts(kind: Any, source: Any, wanted: Any, instruction: str) -> None:
    to = emitter(1)
    value = number(to, source)
    if source == i1:
        value = computed(to, arith.XOrIOp, [(value, i1), (1, i1)])
    found = computed(to, kind, [(value, source)], wanted)
    floats = isinstance(wanted, Float32Type) or wanted == f64
    compare, least = (arith.CmpfOp, "ogt") if floats else (arith.CmpiOp, "sgt")
    bit = computed(to, compare, [(found, wanted), (0, wanted)], least)
    assert instruction in str(to.finish([bit]))


def test_angles_in_single_precision_are_extended() -> None:
    to = emitter(1)
    to.gate(gate("RX", 0, params=(number(to, f32),)))
    text = str(to.finish([]))
    assert "fpext float %v0 to double" in text
    assert flags(text)["float_computations"] == '!"float", !"double"'


def sine(to: Any) -> None:
    (operand,) = AnyOp(result_types=[f64]).results
    to.operation(math.SinOp(operand), [number(to, f64)])


def after_measurement(to: Any) -> None:
    to.measure(0)
    to.gate(gate("X", 0))


def reset_and_measured(to: Any) -> None:
    to.gate(gate("X", 0))
    to.reset(0)
    to.measure(0)


def signed_bit(to: Any) -> None:
    computed(to, arith.ExtSIOp, [(to.measure(0), i1)], i64)


def looping(to: Any) -> None:
    to.loop(to.measure(0), [], [], lambda _: (to.measure(0), []))


def branching(to: Any) -> None:
    to.branch(to.measure(0), lambda: None, lambda: None, list)


REFUSED: list[tuple[Any, QirDialect, str]] = [
    (lambda to: to.gate(gate("SX", 0)), ADAPTIVE, "the gate SX"),
    (lambda to: to.gate(gate("adjoint(SX)", 0)), ADAPTIVE, "adjoint"),
    (
        lambda to: to.gate(AppliedGate("X", (), (1,), (0,), (0,))),
        ADAPTIVE,
        "the gate X under these controls",
    ),
    (
        lambda to: to.gate(AppliedGate("GlobalPhase", (1.0,), (), (0,))),
        ADAPTIVE,
        "Phase",
    ),
    (lambda to: to.gate(gate("RX", 0, params=(float("nan"),))), ADAPTIVE, "nan"),
    (lambda to: to.reset(0), QirDialect(symbols=IQM), "a reset"),
    (lambda to: to.delay(1e-6, [0]), ADAPTIVE, "a delay"),
    (lambda to: to.count(0, 3, 1, lambda _: None), ADAPTIVE, "a loop over numbers"),
    (sine, ADAPTIVE, "'math.sin'"),
    (signed_bit, ADAPTIVE, "of a bit"),
    (lambda to: number(to, f64), QirDialect(has_floats=False), "a number"),
    (lambda to: number(to, i64), QirDialect(has_integers=False), "an integer"),
    (looping, QirDialect(has_loops=False), "a loop"),
    (branching, QirDialect(has_branches=False), "a branch"),
    (branching, BASE, "a branch"),
    (lambda to: to.select(to.measure(0), 0, 1, i1), BASE, "a value"),
    (after_measurement, BASE, "after its measurement"),
    (reset_and_measured, BASE, "after its measurement"),
]


@pytest.mark.parametrize("place", range(len(REFUSED)))
def test_what_a_dialect_lacks_is_refused(place: int) -> None:
    write, dialect, words = REFUSED[place]
    with pytest.raises(EmissionError, match=words):
        write(emitter(2, dialect))


def test_values_of_a_branch_after_it_are_refused() -> None:
    to = emitter(1)
    inner: list[Any] = []

    def then() -> None:
        inner.append(computed(to, arith.AddfOp, [(outer, f64), (1.0, f64)]))

    outer = number(to, f64)
    to.branch(to.measure(0), then, lambda: None, list)
    to.gate(gate("RX", 0, params=(inner[0],)))
    with pytest.raises(EmissionError, match="does not dominate"):
        to.finish([])


def test_resets_of_the_base_profile_that_change_nothing() -> None:
    to = emitter(1, BASE)
    to.reset(0)
    to.gate(gate("X", 0))
    outcome = to.measure(0)
    to.reset(0)
    assert "reset" not in str(to.finish([outcome]))


def test_dialects_are_checked() -> None:
    with pytest.raises(ValueError, match="profile"):
        QirDialect("full")
    with pytest.raises(ValueError, match="name of a function"):
        QirDialect(symbols={"X": "x body"})
