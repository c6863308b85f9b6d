"""What notebooks show, as HTML in which all texts are escaped."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from html import escape
from typing import Any


def code(text: str) -> str:
    """Return a text in the letters of programs."""
    return f"<code>{escape(text)}</code>"


def table(title: str, rows: Mapping[str, Any]) -> str:
    """Return a title over rows of a name and a text; those of None are left out."""
    lines = [
        f"<tr><th>{escape(name)}</th><td>{code(str(text))}</td></tr>"
        for name, text in rows.items()
        if text is not None
    ]
    return f"<div>{code(title)}<table>{''.join(lines)}</table></div>"


def folded(texts: Mapping[str, str]) -> str:
    """Return long texts, each of which opens at a click on its name."""
    return "".join(
        f"<details><summary>{escape(name)}</summary><pre>{escape(text)}</pre></details>"
        for name, text in texts.items()
    )


def function_table(function: Any, name: str, rows: Mapping[str, Any]) -> str:
    """Return the name of a function with its parameters over rows as in a table.

    The first row is the first line of its own documentation, if it has any.
    """
    try:
        title = f"{name}{inspect.signature(function)}"
    except (TypeError, ValueError):
        title = f"{name}(...)"
    found = inspect.getdoc(function) if inspect.isroutine(function) else None
    about = found.partition("\n")[0] if found else None
    return table(title, {"about": about, **rows})


class StageTexts(dict[str, str]):
    """The texts of a program's stages by name, which notebooks show folded."""

    def _repr_html_(self) -> str:
        return folded(self)
