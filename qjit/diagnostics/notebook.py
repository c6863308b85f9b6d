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


def function_title(function: Any, name: str) -> str:
    """Return the name of a function with its parameters, if they are known."""
    try:
        return f"{name}{inspect.signature(function)}"
    except (TypeError, ValueError):
        return f"{name}(...)"


def summary(function: Any) -> str | None:
    """Return the first line of a function's own documentation, None without."""
    found = inspect.getdoc(function) if inspect.isroutine(function) else None
    return found.partition("\n")[0] if found else None


class StageTexts(dict[str, str]):
    """The texts of a program's stages by name, which notebooks show folded."""

    def _repr_html_(self) -> str:
        return folded(self)
