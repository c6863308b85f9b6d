"""Drawings of programs, for those who look."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qjit.errors import ParameterError, ParameterTypeError
from qjit.inspection.circuits.imported import checked_function, imported_here
from qjit.lowering.jax_internals.tracing import user_line

if TYPE_CHECKING:
    from qjit.inspection.circuits.tree import Circuit

NARROWEST, NARROWEST_FIGURE = 24, 4  # characters, and inches


def draw(
    function: Any,
    *,
    level: str | None = None,
    width: int | None = None,
    decimals: int | None = 2,
) -> Callable[..., str]:
    """Return a function that draws the circuits of a program as text.

    Args:
        function: a quantum function, a compiled function, or one that calls quantum
            functions.
        level: "quantum" for the circuit as it was written, or the name of a pass for
            what that leaves; when left out, what the passes of the quantum function
            itself leave, such as those of `qjit.decompose`.
        width: the number of characters in a line, where drawings are folded; that of
            the terminal when left out.
        decimals: how many decimals numbers have; None leaves parameters out.

    Returns:
        A function of the same arguments, which returns the text. Nothing is compiled
        or run.

    Raises:
        ParameterTypeError: for what is no function.
        ParameterError: for a width below 24, or a negative number of decimals.
        PipelineError: for a level that is not one of the function's passes.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def circuit(x, n):
    ...     qj.Hadamard(0)
    ...     @qj.for_loop(0, n)
    ...     def repeat(i):
    ...         qj.RX(2 * x, 1)
    ...         qj.CNOT([0, 1])
    ...     repeat()
    ...     return qj.expval(qj.Z(0) @ qj.Z(1))
    >>> print(qj.draw(circuit, width=80)(0.5, 3))
            ╭╌for i in 0..n╌╮
    0: ─┤H├─┼────────────●──┼─┤ ╭⟨Z⟩
            ┊            │  ┊   │
    1: ─────┼─┤RX(2*x)├─┤X├─┼─┤ ╰⟨Z⟩
            ╰╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╯
    """
    checked_function(function, "draw")
    _check_level(level, "draw")
    columns = _checked(width, "width", NARROWEST)
    places = _checked(decimals, "decimals", 0)

    def look(*args: Any, **kwargs: Any) -> str:
        from .text import draw_texts

        circuits = _circuits(function, level, args, kwargs)
        room = columns or shutil.get_terminal_size().columns
        return draw_texts(circuits, room, places)

    return look


def draw_mpl(
    function: Any,
    *,
    level: str | None = None,
    width: int | None = None,
    decimals: int | None = 2,
    style: str | None = None,
) -> Callable[..., Any]:
    """Return a function that draws the circuits of a program as a figure.

    Args:
        function: a quantum function, a compiled function, or one that calls quantum
            functions.
        level: "quantum" for the circuit as it was written, or the name of a pass for
            what that leaves; when left out, what the passes of the quantum function
            itself leave, such as those of `qjit.decompose`.
        width: the number of inches of the figure, where circuits are folded into rows;
            each circuit is one row when left out.
        decimals: how many decimals numbers have; None leaves parameters out.
        style: "color", which is the default, "black" for print, or "dark".

    Returns:
        A function of the same arguments, which returns a figure of Matplotlib and its
        axes: one for each row of each circuit, in an array if there are several.

    Raises:
        MissingPackageError: if Matplotlib is not installed.
        ParameterTypeError: for what is no function.
        ParameterError: for another style, a width below 4, or a negative number of
            decimals.
        PipelineError: for a level that is not one of the function's passes.

    >>> import qjit as qj
    >>> @qj.qnode(wires=2)
    ... def bell():
    ...     qj.Hadamard(0)
    ...     qj.CNOT([0, 1])
    ...     return qj.probs()
    >>> figure, axes = qj.draw_mpl(bell, style="black")()
    >>> [text.get_text() for text in axes.texts][:3]
    ['0', '1', 'H']
    """
    checked_function(function, "draw_mpl")
    _check_level(level, "draw_mpl")
    inches = _checked(width, "width", NARROWEST_FIGURE)
    places = _checked(decimals, "decimals", 0)
    if style not in (None, "color", "black", "dark"):
        raise ParameterError(
            f"{user_line()}: there is no style {style!r} to draw in. The styles are "
            "'color', 'black' and 'dark'."
        )

    def look(*args: Any, **kwargs: Any) -> Any:
        from .figure import draw_figure

        circuits = _circuits(function, level, args, kwargs)
        return draw_figure(circuits, places, style or "color", inches)

    return look


def _circuits(
    function: Any, level: str | None, args: Any, kwargs: Any
) -> list[Circuit]:
    program = imported_here(function, args, kwargs, rerolled=False)
    return program.circuits(level, rerolled=False, whole=False)[1]


def _check_level(level: Any, name: str) -> None:
    if level is not None and not isinstance(level, str):
        raise ParameterTypeError(
            f"{user_line()}: {name} takes a level by its name, such as 'quantum', but "
            f"got {level!r}."
        )


def _checked(given: Any, name: str, least: int) -> int | None:
    """Return an option that is None or an integer which is not too small."""
    if given is None:
        return None
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise ParameterTypeError(
            f"{user_line()}: the {name} of a drawing is an integer or None, but got "
            f"{given!r}."
        )
    number = given.__index__()
    if number < least:
        raise ParameterError(
            f"{user_line()}: the {name} of a drawing is at least {least}, but got "
            f"{number}."
        )
    return number
