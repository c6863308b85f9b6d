"""What OpenQASM texts cannot say is refused, with the line and column."""

import contextlib
import random
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qjit as qj
from qjit.errors import QasmError

pytest.importorskip("openqasm3.parser")

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
HEAD_2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'

# The text, the place of the error, and words of its message.
REFUSED: list[tuple[str, tuple[int, int], str]] = [
    ("OPENQASM 4.0;\nqubit q;", (1, 10), "OpenQASM 4.0 is not supported"),
    ("OPENQASM 2.7;\nqreg q[1];", (1, 10), "OpenQASM 2.7 is not supported"),
    ("qubit q;\nx q;", (2, 1), 'x is not defined. Write include "stdgates.inc"'),
    (HEAD + "qubit q;\n  frob q;", (4, 3), "the gate frob is not defined. Define it"),
    ('OPENQASM 3;\ninclude "mine.inc";', (2, 1), "'mine.inc' cannot be included"),
    ('include "qelib1.inc";', (1, 1), "OpenQASM 3 includes 'stdgates.inc'"),
    (HEAD + "qubit q;\nrx(a) q;", (4, 4), "a is not defined"),
    (HEAD + "qubit q;\nrx(1, 2) q;", (4, 1), "rx takes 1 parameters, but got 2"),
    (HEAD + "qubit q;\ncx q;", (4, 1), "cx takes 2 qubits, but got 1"),
    (HEAD + "qubit[2] q;\nctrl @ x q[0];", (4, 1), "x takes 2 qubits, but got 1"),
    (HEAD + "qubit[2] q;\ncx q[1], q[1];", (4, 1), "a qubit is used twice"),
    (HEAD + "qubit[2] q; qubit[3] r;\ncx q, r;", (4, 1), "2 and 3 qubits do not fit"),
    (HEAD + "qubit[2] q;\nx q[2];", (4, 5), "2 is no index of 2 elements"),
    (HEAD + "qubit q;\nx q[0];", (4, 3), "a single qubit has no index"),
    (HEAD + "qubit q;\nx q", (4, 4), "missing ';' at '<EOF>'"),
    (HEAD + "qubit q; `", (3, 10), "token recognition error"),
    (HEAD + "qubit q;\nint q;", (4, 1), "q is declared twice"),
    (HEAD + "bit[2] c; qubit[3] q;\nc = measure q;", (4, 1), "not have the 2 bits"),
    (HEAD + "qubit q; bit c;\nd = measure q;", (4, 1), "d is not defined"),
    (HEAD + "int[70] a;", (3, 4), "there is no int[70] here"),
    (HEAD + "bit[2] c = 9;", (3, 12), "does not have the 2 bits"),
    (HEAD + "complex c = 1im;\nfloat f = c;", (4, 11), "complex cannot be converted"),
    (HEAD + "const int a = 1;\na = 2;", (4, 1), "a is no variable"),
    (HEAD + "int a = 1 / 0;", (3, 9), "divides by zero"),
    (HEAD + "float a = sqrt(-1);", (3, 11), "sqrt(-1.0) has no value"),
    (HEAD + "float a = nosuch(1);", (3, 11), "the function nosuch is not defined"),
    (HEAD + "extern f(int) -> int;", (3, 1), "ExternDeclaration is not supported"),
    (HEAD + "qubit q;\n$1;", (4, 1), ""),
    (HEAD + "qubit q;\nx $1;", (4, 3), "physical ones, not both"),
    (HEAD + "qubit q;\npragma noise\n", (4, 1), "Pragma is not supported"),
    (HEAD + "qubit q;\ndelay[10dt] q;", (4, 6), "dt is a time of some hardware"),
    (HEAD + "qubit q;\nbit b = measure q; qubit[b] r;", (4, 25), "b is no constant"),
    (HEAD + "int n = 3;\nconst int k = n + 1; qubit[k] q;", (4, 15), "no constant"),
    (HEAD + "qubit q;\npow(0.5) @ inv @ U(1, 2, 3) q;", (4, 1), "takes an integer"),
    (HEAD + "gate a q { b q; } gate b q { a q; } qubit q;\na q;", (3, 30), "itself"),
    (HEAD + "def f() -> int { return f(); } int a;\na = f();", (3, 25), "calls itself"),
    (HEAD + "qubit q; gate g r { x q; }\ng q;", (3, 23), "do not see the qubits q"),
    (HEAD + "int a; def f() -> int { return a; }\na = f();", (3, 32), "no constant"),
    (HEAD + "def f(int a) -> int { return a; } int a;\na = f();", (4, 5), "takes 1"),
    (HEAD + "end; return 1;", (3, 6), ""),
    (HEAD_2 + "qreg q[1];\nfor int i in [0:1] { x q; }", (4, 1), "not in OpenQASM 2"),
    (HEAD_2 + "opaque m(a) q;\nqreg q[1];\nm(1) q;", (5, 1), "m is opaque"),
    (HEAD_2 + "qreg q[1]; rx(2^2^3) r[0];", (3, 22), "r is not defined"),
    (HEAD_2 + "qreg q[2]; creg c[1];\nmeasure q -> c;", (4, 1), "the 1 bits"),
    (HEAD_2 + 'include "stdgates.inc";', (3, 1), "OpenQASM 2 includes 'qelib1.inc'"),
]


@pytest.mark.parametrize(("text", "place", "words"), REFUSED)
def test_refused(text: str, place: tuple[int, int], words: str) -> None:
    with pytest.raises(QasmError) as caught:
        qj.from_qasm(text)
    message = str(caught.value)
    assert words in message
    assert (caught.value.line, caught.value.column) == place, message
    where = f"line {place[0]}, column {place[1]} of the OpenQASM text: "
    assert re.search(rf"{__name__.rpartition('.')[2]}\.py:\d+: {where}", message)


VALID = [
    HEAD
    + """input float a; qubit[3] q; bit[3] c; int n = 0; const int k = 2;
gate g(t) p, r { ry(t / 2) p; ctrl @ inv @ rz(-t) p, r; gphase(t); }
def f(qubit p, int m) -> bit { if (m > 1) { x p; } return measure p; }
let pair = q[0:1];
g(a * 0.5) q[0], q[k];
for int i in [0:2] { h q[i]; n += i; }
while (n > 1) { n -= 1; if (c[0]) break; }
c[1] = f(q[1], n); c = measure q;
if (c == 3 || n < 2) { reset q[0]; } else { cx pair[0], pair[1]; }
switch (n) { case 1, 2 { x q; } default { barrier q; } }
""",
    HEAD_2
    + """qreg q[2]; creg c[2];
gate r(a) p, s { u3(a, -pi / 2, a^2) p; cx p, s; }
r(0.3) q[0], q[1]; measure q -> c; if (c == 1) x q[0]; reset q[1];
""",
]
TOKENS = re.findall(r"\w+|\s+|[^\w\s]", "".join(VALID))


def check(text: str) -> None:
    with contextlib.suppress(QasmError):
        qj.from_qasm(text)


@pytest.mark.parametrize("text", VALID)
def test_valid(text: str) -> None:
    qj.from_qasm(text)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_changed_programs_are_read_or_refused(data: Any) -> None:
    tokens = re.findall(r"\w+|\s+|[^\w\s]", data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(tokens) - 1))
        change = data.draw(st.sampled_from(["drop", "double", "replace"]))
        if change == "drop":
            del tokens[place]
        elif change == "double":
            tokens.insert(place, tokens[place])
        else:
            tokens[place] = data.draw(st.sampled_from(TOKENS))
    check("".join(tokens))


@given(st.lists(st.sampled_from(TOKENS), max_size=12), st.text(max_size=8))
@settings(max_examples=25, deadline=None)
def test_tokens_are_read_or_refused(tokens: list[str], rest: str) -> None:
    check(" ".join(tokens) + rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int a = " + "(" * 5000 + "1" + ")" * 5000 + ";",
        "int a = " + "-" * 5000 + "1;",
        "int a = " + "- " * 5000 + "1;",
        "int a = " + "1+" * 5000 + "1;",
        "int a = " + "9" * 5000 + ";",
        "int a = 2 ** 2 ** 100;",
        "int a = 1 << (1 << 30);",
        "float a = 1e999; qubit q; U(a, 0, 0) q;",
        "qubit[1000000000] q;",
        "array[int, 100000, 100000] a;",
        "qubit q; ctrl(1000000000) @ U(1, 2, 3) q;",
        "OPENQASM 3.0; OPENQASM 3.0;",
        "bit[3] c; c[1:0] = 1;",
    ],
)
def test_extremes_are_read_or_refused(text: str) -> None:
    check(text)


def test_bytes_of_any_kind_are_read_or_refused() -> None:
    noise = random.Random(3)
    for _ in range(10):
        check("".join(chr(noise.randrange(1, 0x2FF)) for _ in range(30)))
