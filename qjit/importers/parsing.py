"""From an OpenQASM text to the syntax tree of the reference parser."""

import importlib
import re
from typing import Any, NamedTuple

from qjit.errors import MissingPackageError, QasmError
from qjit.lowering.jax_internals.tracing import user_line

from .positions import Source, error_at

_SKIPPED = r'//[^\n]*|/\*.*?\*/|"[^"\n]*"'
_OPAQUE = re.compile(rf"(?s){_SKIPPED}|\bopaque\s+(?P<name>\w+)[^;]*;|\^")
_VERSION = re.compile(
    r"(?s)(?:\s|//[^\n]*|/\*.*?\*/)*OPENQASM\s+(?P<version>[^;\s]*)\s*;"
)
DEEPEST = 100
MOST_CHARACTERS = 10_000_000


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
    parsed = _modern(text, opaque) if legacy else text
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

    def replaced(found: re.Match[str]) -> str:
        if found[0] == "^":
            return "**"
        if found["name"] is None:
            return found[0]
        opaque.add(found["name"])
        return re.sub(r"[^\n]", " ", found[0])

    return _OPAQUE.sub(replaced, text)


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


def _listener(reader: Any, source: Source) -> Any:
    class Listener(reader.ErrorListener):  # type: ignore[misc, name-defined]
        def syntaxError(
            self, recognizer: Any, symbol: Any, line: int, column: int, *rest: Any
        ) -> None:
            message = " ".join(str(rest[0]).split())
            raise error_at(line, source.column(line, column), f"{message}.")

    return Listener()


def _program(reader: Any, source: Source) -> Any:
    listener = _listener(reader, source)
    lexer = reader.qasm3Lexer(reader.InputStream(source.parsed))
    lexer.removeErrorListeners()
    lexer.addErrorListener(listener)
    parser = reader.qasm3Parser(reader.CommonTokenStream(lexer))
    parser.removeErrorListeners()
    parser.addErrorListener(listener)
    try:
        return reader.QASMNodeVisitor().visitProgram(parser.program())
    except QasmError:
        raise
    except RecursionError:
        pass
    except Exception as error:
        found = re.fullmatch(r"(?s)L(\d+):C(\d+): (.*)", str(error))
        line, column = (int(found[1]), int(found[2])) if found else (1, 0)
        text = found[3] if found else str(error) or "it cannot be parsed"
        message = f"{' '.join(text.split())}."
        raise error_at(line, source.column(line, column), message) from error
    raise error_at(1, 1, "expressions are nested too deeply. Divide them.")
