"""`from_qir`: what is recorded has the program's distribution, or it is refused."""

import contextlib
import random
import re
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import pytest

import qjit as qj
from qjit.dialects.targets.qir import CNOT_NAMED, QUANTINUUM, QirDialect
from qjit.errors import QirError, QJitError, UnsupportedError
from qjit.exchange.qir.arithmetic import compute, typed
from qjit.lowering.jax_internals.equations import enable_x64
from tests.support.qir_programs import CASES, agrees, bell, emitter, gate

SHOTS = 2000


def counts(text: str, wires: Sequence[Any] | None = None, seed: int = 3) -> Any:
    """Run a program, and count what it records."""
    program = qj.from_qir(text)

    @qj.qnode(wires=4, shots=SHOTS, seed=seed)
    def circuit() -> Any:
        return qj.sample(program(wires))

    rows = np.asarray(circuit()).astype(int)
    keys = ["".join(map(str, row)) for row in rows.reshape(SHOTS, -1)]
    return {key: keys.count(key) for key in set(keys)}


@pytest.mark.parametrize("name", CASES)
def test_programs_that_we_write(name: str) -> None:
    case = CASES[name]
    assert agrees(counts(case.text()), case.distribution)


def test_exact_statistics_and_wires() -> None:
    program = qj.from_qir(CASES["bell"].text())

    @qj.qnode(wires=4)
    def circuit() -> Any:
        first, second = program([3, 1])
        return qj.expval(first), qj.expval(first * second), qj.expval(qj.Z(3) @ qj.Z(1))

    assert np.allclose(circuit(), [0.5, 0.5, 1.0])


def test_other_names_of_gates() -> None:
    text = bell(QirDialect("base", CNOT_NAMED))
    assert isinstance(text, str)
    assert agrees(counts(text), CASES["bell"].distribution)
    to = emitter(2, QirDialect(symbols=QUANTINUUM))
    to.gate(gate("PRX", 0, params=(1.1, 0.3)))
    to.gate(gate("IsingZZ", 0, 1, params=(0.7,)))
    to.gate(gate("PRX", 0, params=(0.4, 1.0)))
    program = qj.from_qir(str(to.finish([])))

    def same() -> None:
        qj.PRX(1.1, 0.3, 0)
        qj.IsingZZ(0.7, [0, 1])
        qj.PRX(0.4, 1.0, 0)

    def value(apply: Callable[[], Any]) -> Any:
        @qj.qnode(wires=2)
        def circuit() -> Any:
            apply()
            return qj.expval(qj.X(0) @ qj.Z(1)), qj.expval(qj.Y(0))

        return circuit()

    assert np.allclose(value(program), value(same))


def module(body: str, qubits: int = 3) -> str:
    """Return a module whose entry point has these lines."""
    pointers, records = "ptr", "ptr, ptr"
    signatures = {
        "qis__x__body": pointers,
        "qis__h__body": pointers,
        "qis__reset__body": pointers,
        "qis__rx__body": "double, ptr",
        "qis__cx__body": records,
        "qis__mz__body": records,
        "qis__mresetz__body": records,
        "qis__barrier__body": records,
        "rt__result_record_output": records,
        "rt__bool_record_output": "i1, ptr",
        "rt__int_record_output": "i64, ptr",
        "rt__double_record_output": "double, ptr",
    }
    declared = [
        f"declare void @__quantum__{name}({types})"
        for name, types in signatures.items()
    ]
    return "\n".join(
        [
            '@r = constant [2 x i8] c"r\\00"',
            "define i64 @main() #0 {",
            re.sub(r"@(\w+)\(", r"@__quantum__\1(", body),
            "}",
            *declared,
            "declare i1 @__quantum__rt__read_result(ptr)",
            f'attributes #0 = {{ "entry_point" "required_num_qubits"="{qubits}" }}',
        ]
    )


MEASURE = "call void @qis__mz__body(ptr {0}, ptr {0})"
RECORD = "call void @rt__result_record_output(ptr {0}, ptr @r)"
ONE, TWO = "inttoptr (i64 1 to ptr)", "inttoptr (i64 2 to ptr)"


def test_results_outlive_branches_and_loops() -> None:
    text = module(
        f"""
        start:
          call void @qis__h__body(ptr null)
          {MEASURE.format("null")}
          %0 = call i1 @rt__read_result(ptr null)
          br label %head
        head:
          %1 = phi i1 [ %0, %start ], [ false, %again ]
          br i1 %1, label %again, label %after
        again:
          call void @qis__x__body(ptr {ONE})
          {MEASURE.format(ONE)}
          br label %head
        after:
          br i1 %0, label %end, label %otherwise
        otherwise:
          call void @qis__x__body(ptr {TWO})
          {MEASURE.format(TWO)}
          br label %end
        end:
          {RECORD.format("null")}
          {RECORD.format(ONE)}
          {RECORD.format(TWO)}
          ret i64 0
        """
    )
    assert agrees(counts(text), {"110": 0.5, "001": 0.5})


def test_branches_that_share_blocks_before_they_meet() -> None:
    text = module(
        f"""
        start:
          call void @qis__h__body(ptr null)
          call void @qis__h__body(ptr {ONE})
          {MEASURE.format("null")}
          {MEASURE.format(ONE)}
          %a = call i1 @rt__read_result(ptr null)
          %b = call i1 @rt__read_result(ptr {ONE})
          br i1 %a, label %shared, label %second
        second:
          br i1 %b, label %shared, label %end
        shared:
          %c = phi double [ 3.141592653589793, %start ], [ 0.0, %second ]
          call void @qis__rx__body(double %c, ptr {TWO})
          br label %end
        end:
          %d = phi i1 [ true, %shared ], [ false, %second ]
          {MEASURE.format(TWO)}
          {RECORD.format("null")}
          {RECORD.format(ONE)}
          {RECORD.format(TWO)}
          call void @rt__bool_record_output(i1 %d, ptr @r)
          ret i64 0
        """
    )
    expected = {"0000": 0.25, "0101": 0.25, "1011": 0.25, "1111": 0.25}
    assert agrees(counts(text), expected)


def test_numbers_resets_and_barriers() -> None:
    text = module(
        f"""
          call void @qis__x__body(ptr null)
          call void @qis__barrier__body(ptr null, ptr {ONE})
          call void @qis__mresetz__body(ptr null, ptr null)
          call void @qis__mz__body(ptr null, ptr {ONE})
          call void @qis__x__body(ptr null)
          call void @qis__reset__body(ptr null)
          call void @qis__mz__body(ptr null, ptr {TWO})
          %a = call i1 @rt__read_result(ptr null)
          %b = zext i1 %a to i64
          %c = add i64 %b, 40
          %d = sitofp i64 %c to double
          {RECORD.format("null")}
          {RECORD.format(ONE)}
          {RECORD.format(TWO)}
          call void @rt__int_record_output(i64 %c, ptr @r)
          call void @rt__double_record_output(double %d, ptr @r)
          ret i64 0
        """
    )
    program = qj.from_qir(text)

    @qj.qnode(wires=3)
    def circuit() -> Any:
        return [qj.expval(each) for each in program()]

    assert np.allclose(circuit(), [1, 0, 0, 41, 41.0])


def signed(value: int, bits: int) -> int:
    value %= 1 << bits
    return value - (1 << bits) if value >> (bits - 1) else value


A, B = -7, 3
UNSIGNED_A = A % 256
EXPECTED: list[tuple[str, str, str, tuple[Any, ...], Any]] = [
    ("add", "", "i8", (127, 1), -128),
    ("sub", "", "i8", (A, B), -10),
    ("mul", "", "i8", (100, 3), signed(300, 8)),
    ("sdiv", "", "i8", (A, B), -2),
    ("srem", "", "i8", (A, B), -1),
    ("udiv", "", "i8", (A, B), signed(UNSIGNED_A // B, 8)),
    ("urem", "", "i8", (A, B), UNSIGNED_A % B),
    ("shl", "", "i8", (A, B), signed(A << B, 8)),
    ("lshr", "", "i8", (A, B), UNSIGNED_A >> B),
    ("ashr", "", "i8", (A, B), -1),
    ("and", "", "i8", (A, B), A & B),
    ("or", "", "i8", (A, B), A | B),
    ("xor", "", "i8", (A, B), A ^ B),
    ("add", "", "i1", (True, True), False),
    ("sub", "", "i1", (False, True), True),
    ("mul", "", "i1", (True, True), True),
    ("or", "", "i1", (True, False), True),
    ("icmp", "ult", "i8", (A, B), False),
    ("icmp", "slt", "i8", (A, B), True),
    ("icmp", "sge", "i8", (A, B), False),
    ("icmp", "ugt", "i1", (True, False), True),
    ("icmp", "sgt", "i1", (True, False), False),
    ("icmp", "eq", "i64", (5, 5), True),
    ("fadd", "", "double", (0.5, 0.25), 0.75),
    ("fsub", "", "double", (0.5, 0.25), 0.25),
    ("fmul", "", "double", (0.5, 0.25), 0.125),
    ("fdiv", "", "double", (0.5, 0.25), 2.0),
    ("fneg", "", "double", (0.5,), -0.5),
    ("fcmp", "one", "double", (0.5, 0.25), True),
    ("fcmp", "one", "double", (0.5, 0.5), False),
    ("fcmp", "one", "double", (np.nan, 0.5), False),
    ("fcmp", "une", "double", (np.nan, 0.5), True),
    ("fcmp", "oeq", "double", (np.nan, np.nan), False),
    ("fcmp", "ueq", "double", (np.nan, 0.5), True),
    ("fcmp", "ult", "double", (0.5, 0.5), False),
    ("fcmp", "ord", "double", (0.5, 0.5), True),
    ("fcmp", "uno", "double", (0.5, np.nan), True),
    ("fcmp", "true", "double", (0.5, 0.5), True),
]


@pytest.mark.parametrize("case", EXPECTED, ids=str)
def test_arithmetic(case: tuple[str, str, str, tuple[Any, ...], Any]) -> None:
    opcode, predicate, kind, given, expected = case
    found = compute(opcode, predicate, kind, [typed(each, kind) for each in given])
    assert found == expected
    assert found.dtype == (bool if "cmp" in opcode else typed(0, kind).dtype)


@pytest.mark.parametrize(
    ("opcode", "source", "kind", "value", "expected"),
    [
        ("zext", "i8", "i32", -1, 255),
        ("zext", "i1", "i32", True, 1),
        ("sext", "i8", "i32", -1, -1),
        ("sext", "i1", "i32", True, -1),
        ("trunc", "i32", "i8", 300, 44),
        ("trunc", "i32", "i1", 2, False),
        ("sitofp", "i8", "double", -1, -1.0),
        ("uitofp", "i8", "double", -1, 255.0),
        ("uitofp", "i1", "double", True, 1.0),
        ("fptosi", "double", "i32", -2.5, -2),
        ("fptoui", "double", "i8", 200.5, 200 - 256),
        ("fpext", "float", "double", 0.5, 0.5),
        ("fptrunc", "double", "float", 0.5, 0.5),
    ],
)
def test_casts(opcode: str, source: str, kind: str, value: Any, expected: Any) -> None:
    found = compute(opcode, "", kind, [typed(value, source)])
    assert found == expected
    assert found.dtype == typed(0, kind).dtype


def test_single_precision_has_no_integers_of_64_bits() -> None:
    text = CASES["integers"].text()
    with enable_x64(False), pytest.raises(UnsupportedError, match="64 bits"):
        counts(text)
    with enable_x64(False):
        case = CASES["until_one"]
        assert agrees(counts(case.text()), case.distribution)


def test_a_program_is_applied_within_transformations() -> None:
    to = emitter(1)
    to.gate(gate("RX", 0, params=(0.7,)))
    program = qj.from_qir(str(to.finish([])))

    @qj.qnode(wires=2)
    def circuit(angle: Any) -> Any:
        qj.RX(angle, 0)
        program()
        qj.adjoint(program)()
        program([0])
        return qj.expval(qj.Z(0))

    assert np.isclose(circuit(0.2), np.cos(0.9))
    assert np.isclose(jax.grad(circuit)(0.2), -np.sin(0.9))


WRONG: dict[str, str] = {
    "": "0 entry points",
    "define": "LLVM does not take",
    'define void @f() "entry_point" { ret void }': "required_num_qubits",
    'define void @f(i1 %a) "entry_point" { ret void }': "takes arguments",
    module("  ret i64 1"): "returns 0",
    module("  call void @qis__x__body(ptr inttoptr (i64 3 to ptr))\n  ret i64 0"): (
        "qubit 3"
    ),
    module("  call void @qis__cx__body(ptr null, ptr null)\n  ret i64 0"): "different",
    module("  %a = alloca i64\n  ret i64 0"): "alloca is not supported",
    module("  %a = add i128 1, 2\n  ret i64 0"): "type i128",
    module("  call void @qis__rx__body(double undef, ptr null)\n  ret i64 0"): (
        "no number"
    ),
    module("  %a = alloca i64\n  call void @qis__x__body(ptr %a)\n  ret i64 0"): (
        "alloca"
    ),
    module("  unreachable"): "unreachable is not supported",
    module("a:\n  br label %b\nb:\n  br label %b"): "0 blocks return",
    module(
        "a:\n  br label %b\nb:\n  call void @qis__x__body(ptr null)\n"
        "  %c = call i1 @rt__read_result(ptr null)\n"
        "  br i1 %c, label %b, label %d\nd:\n  ret i64 0"
    ): "another shape",
    module(
        "a:\n  %c = call i1 @rt__read_result(ptr null)\n"
        "  br i1 %c, label %b, label %d\nb:\n  ret i64 0\nd:\n  ret i64 0"
    ): "2 blocks return",
    module("  call void @qis__x__body(ptr null)\n  ret i64 0").replace(
        "__x__", "__foo__"
    ): "foo__body is unknown",
    module("  ret i64 0", qubits=0).replace('"0"', '"many"'): "required_num_qubits",
    "(" * 1000: "brackets",
    "\0": "ASCII",
    "é": "ASCII",
}


@pytest.mark.parametrize("place", range(len(WRONG)))
def test_wrong_texts_are_refused(place: int) -> None:
    text, words = list(WRONG.items())[place]
    with pytest.raises(QirError, match=words) as caught:
        qj.from_qir(text)
    assert "test_qir.py:" in str(caught.value)


def test_records_within_branches_and_wrong_wires_are_refused() -> None:
    text = module(
        f"""
        a:
          {MEASURE.format("null")}
          %c = call i1 @rt__read_result(ptr null)
          br i1 %c, label %b, label %d
        b:
          {RECORD.format("null")}
          br label %d
        d:
          ret i64 0
        """
    )
    with pytest.raises(QirError, match="in a branch or a loop"):
        counts(text)
    with pytest.raises(QirError, match="3 qubits, but got 1 wires"):
        counts(module("  ret i64 0"), [0])
    with pytest.raises(QirError, match="takes a text"):
        qj.from_qir(b"BC")  # pyright: ignore[reportArgumentType]


def test_deep_and_repeated_branches_are_refused() -> None:
    def nested(depth: int) -> str:
        if not depth:
            return "  br label %end0\n"
        inside = nested(depth - 1).replace("%end0", f"%end{depth}")
        end = f"end{depth}:\n  br label %end0\n"
        jump = f"  br i1 %c, label %in{depth}, label %end{depth}\n"
        return f"{jump}in{depth}:\n{inside}{end}"

    text = module(
        f"a:\n  %c = call i1 @rt__read_result(ptr null)\n{nested(40)}end0:\n  ret i64 0"
    )
    with pytest.raises(QirError, match="within one another"):
        counts(text)


def mutated(text: str, draw: random.Random) -> str:
    """Return a text with a few tokens, lines or jumps exchanged."""
    for _ in range(draw.choice([1, 1, 2, 4])):
        pattern = draw.choice([r"label %\w+", r"[%@]?[\w.]+", r"\d+", r"[^\n]+\n", "."])
        found = list(re.finditer(pattern, text))
        if found:
            place, other = draw.choice(found), draw.choice(found)
            text = text[: place.start()] + other[0] + text[place.end() :]
    return text


@pytest.mark.parametrize("seed", range(8))
def test_mutated_texts_are_read_or_refused(seed: int) -> None:
    draw = random.Random(seed)
    texts = [CASES[name].text() for name in ("bell", "until_one", "integers")]
    for _ in range(40):
        text = mutated(draw.choice(texts), draw)
        try:
            program = qj.from_qir(text)
        except QJitError:
            continue
        wires = int(re.findall(r'num_qubits"="(\d+)', text)[0])

        @qj.qnode(wires=max(wires, 1), shots=5)
        def circuit(program: Any = program) -> Any:
            program()
            return qj.sample(wires=0)

        if draw.random() < 0.2:
            with contextlib.suppress(QJitError):
                jax.make_jaxpr(lambda circuit=circuit: circuit())()
