"""From an OpenQASM text to the syntax tree of the reference parser."""

import importlib
import re
from typing import Any, NamedTuple

from qjit.errors import MissingPackageError
from qjit.lowering.jax_internals.tracing import user_line

from .arithmetic import POWER
from .positions import Source, error_at, widened

_SKIPPED = r'//[^\n]*|/\*.*?\*/|"[^"\n]*"'
_OPAQUE = re.compile(rf"(?s){_SKIPPED}|\bopaque\s+(?P<name>\w+)[^;]*;|\^|\b[a-z]+\b")
_VERSION = re.compile(
    r"(?s)(?:\s|//[^\n]*|/\*.*?\*/)*OPENQASM\s+(?P<version>[^;\s]*)\s*;"
)
# The reference grammar takes `pow` for a modifier: it reads calls by another name.
_POWER = re.compile(rf"(?s){_SKIPPED}|\bpow\b(?P<call>\s*\()")
# Words of version 3, which in version 2 may be names.
_WORDS = frozenset(
    (
        *("input", "output", "in", "const", "def", "cal", "let", "box", "end", "case"),
        *("angle", "bit", "bool", "int", "uint", "float", "complex", "array", "qubit"),
        *("ctrl", "negctrl", "inv", "pow", "gphase", "delay", "duration", "stretch"),
        *("for", "while", "switch", "default", "break", "continue", "return", "else"),
        *("extern", "durationof", "mutable", "readonly", "void", "true", "false"),
    )
)
_NAMED = re.compile(r"\b(?:qreg|creg|gate|opaque)\s+(\w+)")
DEEPEST = 100


class Parsed(NamedTuple):
    """The statements of a text, and what was read before they were parsed."""

    statements: list[Any]
    source: Source
    legacy: bool
    opaque: frozenset[str]


def parse(text: str) -> Parsed:
    """Parse a text of version 3, or of version 2."""
    reader = _reader()
    found = _VERSION.match(text)
    version = found["version"] if found else "3"
    if not re.fullmatch(r"2(\.0)?|3(\.\d)?", version):
        start = found.start("version") if found else 0
        raise error_at(
            *_place(text, start),
            f"OpenQASM {version} is not supported. Versions 2.0 and 3 are.",
        )
    legacy = version.startswith("2")
    opaque: set[str] = set()
    parsed = _modern(text, opaque) if legacy else _POWER.sub(_as_function, text)
    source = Source(text, parsed)
    _check_depth(text)
    program = _program(reader, source)
    return Parsed(program.statements, source, legacy, frozenset(opaque))


def _reader() -> Any:
    try:
        return importlib.import_module("openqasm3.parser")
    except ImportError as error:
        raise MissingPackageError(
            f"{user_line()}: reading OpenQASM needs the package openqasm3 with its "
            "parser. Install it with: pip install 'qjit[qasm]'."
        ) from error


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _modern(text: str, opaque: set[str]) -> str:
    """Return a text of version 2 in the words of version 3, line by line."""

    words = _WORDS & set(_NAMED.findall(text))

    def replaced(found: re.Match[str]) -> str:
        if found[0] == "^":
            return "**"
        if found[0] in words:
            return widened(found[0])
        if found["name"] is None:
            return found[0]
        opaque.add(found["name"])
        return re.sub(r"[^\n]", " ", found[0])

    return _OPAQUE.sub(replaced, text)


def _as_function(found: re.Match[str]) -> str:
    """Return `pow(` by the name of the function, unless `@` follows the brackets."""
    if found["call"] is None:
        return found[0]
    text, depth, end = found.string, 1, found.end()
    while end < len(text) and depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    is_modifier = text[end:].lstrip().startswith("@")
    return found[0] if is_modifier else POWER + found["call"]


def _check_depth(text: str) -> None:
    """Refuse what is nested so deeply that the parser would run out of stack."""
    depth = 0
    for found in re.finditer(rf"(?s){_SKIPPED}|[()\[\]{{}}]|[-~!]+", text):
        token = found[0]
        if token[0] in "-~!":
            if len(token) > DEEPEST:
                depth = DEEPEST + 1
        elif token in "([{":
            depth += 1
        elif token in ")]}":
            depth = max(depth - 1, 0)
        if depth > DEEPEST:
            raise error_at(
                *_place(text, found.start()),
                f"more than {DEEPEST} brackets are open. Divide the program.",
            )


class _SyntaxError(Exception):
    """What the parser refuses: a line, a column and a text."""


def _listener(reader: Any) -> Any:
    def refuse(_: Any, __: Any, ___: Any, line: int, column: int, *rest: Any) -> None:
        raise _SyntaxError(line, column, str(rest[0]))

    return type("Listener", (reader.ErrorListener,), {"syntaxError": refuse})()


def _program(reader: Any, source: Source) -> Any:
    listener = _listener(reader)
    lexer = reader.qasm3Lexer(reader.InputStream(source.parsed))
    parser = reader.qasm3Parser(reader.CommonTokenStream(lexer))
    for each in (lexer, parser):
        each.removeErrorListeners()
        each.addErrorListener(listener)
    try:
        return reader.QASMNodeVisitor().visitProgram(parser.program())
    except _SyntaxError as error:
        line, column, text = error.args
        refused: Exception = error
    except RecursionError as error:
        line, column, text = 1, 0, "it is nested too deeply. Divide its expressions"
        refused = error
    except Exception as error:
        found = re.fullmatch(r"(?s)L(\d+):C(\d+): (.*)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (1, 0)
        text = found[3] if found else "it cannot be parsed"
        refused = error
    message = " ".join(_shortened(text).split()).rstrip(".").replace(POWER, "pow")
    raise error_at(line, source.column(line, column), f"{message}.") from refused


def _shortened(text: str) -> str:
    """Return a message of the parser without a long list of what it expected."""
    found, separator, expected = text.partition(" expecting {")
    return found if separator and len(expected) > 80 else text
