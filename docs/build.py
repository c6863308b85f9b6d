"""Writes gates.md and errors.md from the sources, or with --check compares them."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from qjit import errors
from qjit.dialects.gates import FAMILIES, GateRecord

HERE = Path(__file__).parent
HEADER = """\
# Gates

Generated from the records in `dialects/gates/` by `python docs/build.py`. Names,
argument order and conventions are PennyLane's. *Frequencies* are those of an
expectation value in each parameter, from which shift rules follow; *kernel* names the
simulator's loop.
"""
ERRORS_HEADER = """\
# Errors

Generated from `qjit/errors.py` by `python docs/build.py`. Every error begins with the
file and line of the mistake, and says what was expected, what was found, and how to
go on. Each class is also the builtin named beside it, so `except ValueError` works.

In a function that you compile with `jax.jit` yourself, mistakes that show while tracing
are these errors too. Those that show when the program runs are
`jax.errors.JaxRuntimeError`, the one class that a function of JAX's can raise then; its
message holds ours, with your line. Under `qjit.qjit` they are the classes below.
"""
COLUMNS = "Gate|Parameters|Wires|Meaning|Inverse|Frequencies|Kernel|OpenQASM|QIR"


def main(arguments: list[str]) -> int:
    """Writes the pages, or with --check reports those that are out of date."""
    stale = {path: text for path, text in pages().items() if not _same(path, text)}
    for path, text in stale.items():
        if "--check" in arguments:
            print(f"{path.name} is out of date: run `python docs/build.py`.")
        else:
            path.write_text(text)
    return int("--check" in arguments and bool(stale))


def pages() -> dict[Path, str]:
    """The generated pages by where they belong."""
    return {HERE / "gates.md": gates_page(), HERE / "errors.md": errors_page()}


def errors_page() -> str:
    """One section for each class of error."""
    found = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.QJitError)
    ]
    return "\n".join([ERRORS_HEADER, *map(_error_section, found)])


def _error_section(error: type) -> str:
    builtin = next(each for each in error.__mro__ if each.__module__ == "builtins")
    title = f"## {error.__name__} ({builtin.__name__})"
    return f"{title}\n\n{inspect.getdoc(error)}\n"


def gates_page() -> str:
    """One table for each family of gates."""
    sections = [HEADER]
    shown: set[str] = set()
    for family in FAMILIES:
        records = [r for r in vars(family).values() if isinstance(r, GateRecord)]
        rows = [_row(record) for record in records if record.name not in shown]
        shown |= {record.name for record in records}
        title = (family.__doc__ or "").split(":")[0].rstrip(".")
        head = [f"| {' | '.join(COLUMNS.split('|'))} |", "|---" * 9 + "|"]
        sections.append("\n".join([f"## {title}", "", *head, *rows]) + "\n")
    return "\n".join(sections)


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


def _row(record: GateRecord) -> str:
    names = ", ".join(f"`{name}`" for name in (record.name, *record.aliases))
    cells = [names, ", ".join(record.parameters), _wires(record), record.doc]
    cells += [_inverse(record), _frequencies(record), _kernel(record)]
    cells += [_code(record.qasm), _code(record.qir)]
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _code(name: str | None) -> str:
    return f"`{name}`" if name else ""


def _wires(record: GateRecord) -> str:
    targets = "any" if record.num_targets is None else str(record.num_targets)
    if record.num_controls == 0:
        return targets
    controls = "any" if record.num_controls is None else str(record.num_controls)
    return f"{controls} + {targets}"


def _inverse(record: GateRecord) -> str:
    if record.definition is None:
        return ""
    if record.self_adjoint:
        return "itself"
    if record.adjoint_angles is None:
        return "adjoint"
    angles = record.adjoint_angles
    return ", ".join(angle.describe(record.parameters) for angle in angles)


def _frequencies(record: GateRecord) -> str:
    found = [record.frequencies(j) for j in range(record.num_params)]
    return "; ".join(", ".join(f"{f:g}" for f in each) for each in dict.fromkeys(found))


def _kernel(record: GateRecord) -> str:
    return "" if record.definition is None else record.kernel.name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
