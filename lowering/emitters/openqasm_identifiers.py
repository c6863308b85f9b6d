"""Identifiers of OpenQASM programs: which may be declared, and which are read."""

import re
from collections.abc import Collection, Sequence
from itertools import count

from qjit.dialects.targets.openqasm import QasmDialect

# https://openqasm.com/versions/3.0/grammar
_KEYWORDS = """
OPENQASM include defcalgrammar def cal defcal gate extern box let break continue if else
end return for while in switch case default pragma input output const readonly mutable
qreg qubit creg bool bit int uint float angle complex array void duration stretch gphase
inv pow ctrl negctrl dim durationof delay reset measure barrier true false opaque im
arccos arcsin arctan ceiling cos exp floor log mod popcount real imag rotl rotr sin
sizeof sqrt tan pi tau euler U CX
"""
_STANDARD_GATES = """
p x y z h s sdg t tdg sx rx ry rz cx cy cz cp crx cry crz ch swap ccx cswap cu phase
cphase id u1 u2 u3
"""
_RESERVED = {*_KEYWORDS.split(), *_STANDARD_GATES.split(), "q", "c", "m"}
# Variables and counters of a program that is written, which are numbered.
_VARIABLE = re.compile(r"\bv\d+\b")
_NUMBERED = re.compile(r"[vi]\d+")
_ASSIGNMENT = re.compile(r" *(v\d+) = (.*)")


def identifier(name: str, dialect: QasmDialect, taken: Collection[str]) -> str:
    """Return a name, with underscores behind it if it stands for something else.

    >>> identifier("theta", QasmDialect(), ()), identifier("x", QasmDialect(), ["x_"])
    ('theta', 'x__')
    """
    gates = {call.partition("(")[0] for call in (dialect.names or {}).values()}
    for length in count():
        found = name + "_" * length
        free = found not in _RESERVED | gates and found not in taken
        if free and not _NUMBERED.fullmatch(found):
            return found
    raise AssertionError


def without_unread(lines: Sequence[str]) -> list[str]:
    """Leave out assignments to variables that decide nothing, and blocks without any.

    >>> without_unread(["v0 = 1;", "if (b) {", "  v1 = v0;", "}", "rx(0.5) q[0];"])
    ['rx(0.5) q[0];']
    """
    while True:
        read = _read(lines)
        found: list[str] = []
        for line in lines:
            assigned = _ASSIGNMENT.fullmatch(line)
            if assigned is None or assigned[1] in read:
                _append(found, line)
        if len(found) == len(lines):
            return found
        lines = found


def declared_of(declarations: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Return the declarations of variables that lines have."""
    used = {name for line in lines for name in _VARIABLE.findall(line)}
    return [each for each in declarations if each.split()[1].rstrip(";") in used]


def _read(lines: Sequence[str]) -> set[str]:
    """Return the variables that something but other variables depends on."""
    sources: dict[str, set[str]] = {}
    pending: list[str] = []
    for line in lines:
        assigned = _ASSIGNMENT.fullmatch(line)
        if assigned is None:
            pending += _VARIABLE.findall(line)
        else:
            sources.setdefault(assigned[1], set()).update(
                _VARIABLE.findall(assigned[2])
            )
    read: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in read:
            read.add(name)
            pending += sources.get(name, ())
    return read


def _append(lines: list[str], line: str) -> None:
    """Append a line, unless it closes an empty block."""
    end, before = line.strip(), lines[-1].strip() if lines else ""
    if end == "}" and before == "} else {":
        lines[-1] = line
    elif end == "}" and before.startswith(("if (", "for ")) and before.endswith("{"):
        lines.pop()
    elif end == "} else {" and before.startswith("if (") and before.endswith("{"):
        lines[-1] = lines[-1].replace("if (", "if (!", 1)
    else:
        lines.append(line)
