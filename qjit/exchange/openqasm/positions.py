"""Errors that name the line and column of an OpenQASM text."""

from typing import Any, NoReturn

from qjit.errors import QasmError
from qjit.lowering.jax_internals.tracing import user_line

# Letters of full width stand for the first letters of names that are words elsewhere.
_WIDER = 0xFF41 - ord("a")
_NARROW = {ord(c) + _WIDER: c for c in "abcdefghijklmnopqrstuvwxyz"}


def widened(name: str) -> str:
    """Return a name of the same length that is no word of version 3."""
    return chr(ord(name[0]) + _WIDER) + name[1:]


def as_written(text: str) -> str:
    """Return names as the author wrote them."""
    return text.translate(_NARROW)


class NotConstantError(QasmError):
    """A place of an OpenQASM text needs a value that is known when tracing."""


class Source:
    """An OpenQASM text as its author wrote it, and as it is parsed.

    Both have the same lines. In lines of version 2 the operator `^` is longer where it
    is parsed, which moves the columns after it.
    """

    def __init__(self, text: str, parsed: str) -> None:
        self.parsed = parsed
        self._lines = text.split("\n")
        self._starts = [0]
        for line in parsed.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def place(self, node: Any) -> tuple[int, int]:
        """Return the line and column, from 1, at which a node begins."""
        span = getattr(node, "span", None)
        if span is None:
            return 1, 1
        line, column = span.start_line, span.start_column
        name = getattr(node, "name", None)
        if isinstance(name, str):
            column = self._of_name(name, line, column)
        return line, self.column(line, column)

    def _of_name(self, name: str, line: int, column: int) -> int:
        """Return the column of a name, for which the parser may give its offset."""
        start = self._starts[min(line, len(self._starts) - 1) - 1]
        if self.parsed.startswith(name, start + column):
            return column
        return column - start if self.parsed.startswith(name, column) else column

    def column(self, line: int, column: int) -> int:
        """Return the column of the author's text, from 1."""
        text = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        position, parsed = 0, 0
        while parsed < column and position < len(text):
            widened = text[position] == "^" and self._is_widened(line)
            parsed += 2 if widened else 1
            position += 1
        return position + max(column - parsed, 0) + 1

    def _is_widened(self, line: int) -> bool:
        start, stop = self._starts[line - 1], self._starts[line] - 1
        return stop - start != len(self._lines[line - 1])


def error_at(
    line: int, column: int, message: str, kind: type[QasmError] = QasmError
) -> QasmError:
    """Return an error that names a place of the text."""
    where = f"line {line}, column {column} of the OpenQASM text"
    found = kind(f"{user_line()}: {where}: {as_written(message)}")
    found.line, found.column = line, column
    return found


class Located:
    """What reads nodes of a text and refuses them with their places."""

    source: Source

    def fail(
        self, node: Any, message: str, kind: type[QasmError] = QasmError
    ) -> NoReturn:
        """Refuse a node."""
        raise error_at(*self.source.place(node), message, kind)
