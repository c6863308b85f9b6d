"""Drawings of circuits as figures of Matplotlib."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice, pairwise
from math import inf
from typing import Any

import numpy as np

from qjit.errors import MissingPackageError
from qjit.inspection.circuits.tree import (
    Branch,
    Circuit,
    Gate,
    Loop,
    Measure,
    Meeting,
    Permutation,
    Reset,
    Terminal,
)
from qjit.lowering.jax_internals.tracing import user_line

from .labels import (
    gate_text,
    is_dynamic,
    legend_lines,
    measure_text,
    observable_names,
    terminal_texts,
)
from .layout import Columns, Layout, Measures, Placed, Shown, pieces

INCH = 0.5  # inches of one unit, in which everything is placed
LETTER, BOX, MARGIN = 0.19, 0.68, 0.3  # of a letter, of a gate's height, around
STEP, REACH = 0.42, 0.5  # of a frame in another, of the innermost beyond its wire
FONT, SMALL = 10, 8


@dataclass(frozen=True)
class Style:
    """Colors: of lines, of what is behind, of frames, and of gates by kind."""

    line: str
    ground: str
    frame: str
    gates: Mapping[str, str]
    other: str
    measure: str

    def of(self, gate: Gate) -> str:
        """Return the color of a gate's box."""
        return self.gates.get(gate.base, self.other)


def _gates(hadamard: str, pauli: str, rotation: str, phase: str) -> dict[str, str]:
    return {
        "H": hadamard,
        **dict.fromkeys(("X", "Y", "Z", "SX"), pauli),
        **dict.fromkeys(("RX", "RY", "RZ", "Rot"), rotation),
        **dict.fromkeys(("S", "T", "PhaseShift", "U1", "GlobalPhase"), phase),
    }


STYLES = {
    "color": Style(
        *("#1d2733", "#ffffff", "#5c6b7a"),
        _gates("#f6d5a0", "#bcd9ef", "#cfe6c4", "#e3d2ee"),
        *("#eef0f2", "#f4c7c3"),
    ),
    "black": Style("#000000", "#ffffff", "#000000", {}, "#ffffff", "#ffffff"),
    "dark": Style(
        *("#e6e9ec", "#16191d", "#93a1ae"),
        _gates("#7a5518", "#23527c", "#2f6130", "#57337a"),
        *("#333b44", "#7a2d28"),
    ),
}


def draw_figure(
    circuits: Sequence[Circuit], decimals: int | None, style: str, inches: int | None
) -> Any:
    """Return a figure and its axes: one for each row, in an array for several."""
    pyplot = _package("matplotlib.pyplot")
    room = inf if inches is None else inches / INCH
    drawings = [
        _Drawing(circuit, decimals, STYLES[style], room) for circuit in circuits
    ]
    width = max(drawing.width for drawing in drawings) * INCH
    heights = [h * INCH for drawing in drawings for h in drawing.heights]
    figure, axes = pyplot.subplots(
        len(heights),
        squeeze=False,
        figsize=(width, sum(heights)),
        gridspec_kw={"height_ratios": heights},
        facecolor=STYLES[style].ground,
        layout="constrained",
    )
    rest = iter(axes[:, 0])
    for drawing in drawings:
        own = [*islice(rest, len(drawing.heights))]
        drawing.paint(own, _package("matplotlib.patches"))
        if len(drawings) > 1:
            name = drawing.circuit.name
            own[0].set_title(name, loc="left", fontsize=FONT, color=drawing.style.line)
    return figure, axes[0, 0] if len(heights) == 1 else axes[:, 0]


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f"{user_line()}: draw_mpl draws with Matplotlib, which is not installed. "
            "Use pip install 'qjit[draw]', or draw as text with qjit.draw."
        ) from error


@dataclass(frozen=True)
class _Row:
    """A piece of a drawing on axes of its own, from one x to another."""

    first: float
    last: float
    axes: Any


class _Drawing:
    """One circuit, in rows that are no wider than the room."""

    def __init__(
        self, circuit: Circuit, decimals: int | None, style: Style, room: float
    ) -> None:
        self.circuit, self._decimals, self.style = circuit, decimals, style
        self._observables = observable_names(circuit.terminals)
        measures = Measures(self._width, self._label_width, 0.2, 0.25)
        self._layout = Layout(circuit, measures)
        names = [*circuit.wire_labels, *self._layout.outcomes]
        self._first = MARGIN + LETTER * max(map(len, names)) + 0.3
        self._end = self._first + self._layout.gates.width + 0.2
        self._heights = self._line_heights()
        legend = [f"{name} = {text}" for text, name in self._observables.items()]
        self._legend = [*legend, *legend_lines(circuit)]
        end = self._end + self._layout.terminals.width + MARGIN + 0.3
        cuts = {self._first + x for x in self._layout.gates.cuts()} | {self._end}
        cuts |= {self._end + x for x in self._layout.terminals.cuts()}
        inner = max(room - self._first, 2 * BOX)
        self._pieces = [*pieces(cuts, self._first, end, inner)]
        self.width = self._first + max(last - first for first, last in self._pieces)
        sink = STEP * self._layout.gaps()[-1][1]
        self._bottom = self._heights[-1] - sink - 0.7
        self.heights = [0.2 - self._bottom] * len(self._pieces)
        self.heights[-1] += 0.4 * len(self._legend)

    def paint(self, axes: Sequence[Any], patches: Any) -> None:
        """Paint everything on the axes of the rows."""
        self._patches = patches
        self._rows = [
            _Row(*piece, each) for piece, each in zip(self._pieces, axes, strict=True)
        ]
        for row, height in zip(self._rows, self.heights, strict=True):
            left = row.first - self._first
            row.axes.set_xlim(left, left + self.width)
            row.axes.set_ylim(-height, 0)
            row.axes.set_aspect("equal")
            row.axes.axis("off")
        for name, y in zip(self.circuit.wire_labels, self._heights, strict=False):
            self._label(self._rows, y, name)
            self._line(self._first - 0.1, self._end, y, y)
        self._paint_outcomes()
        self._paint_columns(self._layout.gates, self._first)
        self._paint_columns(self._layout.terminals, self._end)
        last = self._rows[-1]
        for number, text in enumerate(self._legend):
            y, x = self._bottom - 0.4 * number, last.first - self._first + MARGIN
            self._text(x, y, text, row=last, ha="left", fontsize=SMALL)

    def _at(self, left: float, right: float) -> list[_Row]:
        """Return the rows on which something is that reaches from x to x."""
        firsts = [first for first, _ in self._pieces]
        start = max(bisect_right(firsts, left) - 1, 0)
        return self._rows[start : max(bisect_left(firsts, right), start + 1)]

    def _label(self, rows: Sequence[_Row], y: float, name: str) -> None:
        """Write the name of a line before each row."""
        for row in rows:
            self._text(row.first - 0.25, y, name, row=row, ha="right")

    def _width(self, node: Shown) -> float:
        match node:
            case Terminal():
                texts = terminal_texts(node, self._observables.get(node.observable, ""))
                return max(BOX, LETTER * max(map(len, texts)) + 0.25)
            case Gate():
                length = len(gate_text(node, self._decimals))
                index = 0.3 * (len(node.targets) > 1 and not is_dynamic(node))
                return max(BOX, LETTER * length + 0.2 + index)
            case Measure():
                return max(BOX, LETTER * len(measure_text(node)) + 0.2)
            case _:
                return BOX

    def _label_width(self, label: str) -> float:
        return LETTER * len(label) * SMALL / FONT + 0.4

    def _line_heights(self) -> list[float]:
        gaps = self._layout.gaps()
        found = [-0.65 - STEP * gaps[0][0]]
        for (_, below), (above, _) in pairwise(gaps):
            found.append(found[-1] - 1 - STEP * (below + above))
        return found

    # Parts

    def _paint_columns(self, columns: Columns, x: float) -> None:
        for item in columns.items:
            here = x + item.x
            match item.node:
                case Gate():
                    self._paint_gate(item, here, item.node)
                case Measure():
                    text = measure_text(item.node)
                    color = self.style.measure
                    self._box(here, item.width, item.low, item.low, color, text)
                case Reset():
                    color = self.style.other
                    self._box(here, item.width, item.low, item.low, color, "|0⟩")
                case Permutation():
                    self._paint_permutation(item, here, item.node)
                case Loop() | Branch():
                    self._paint_frame(item, here)
                case Terminal():
                    self._paint_terminal(item, here, item.node)
                case Meeting():
                    pass

    def _paint_gate(self, item: Placed, x: float, gate: Gate) -> None:
        middle, color = x + item.width / 2, self.style.of(gate)
        text = gate_text(gate, self._decimals)
        for line in item.links:
            self._double(middle, self._heights[item.high], self._heights[line])
        if is_dynamic(gate):
            self._box(x, item.width, item.low, item.high, color, text)
            return
        targets = [wire for wire in gate.targets if isinstance(wire, int)]
        controls = [wire for wire in gate.controls if isinstance(wire, int)]
        if controls or gate.base == "SWAP":
            self._line(
                middle, middle, *(self._heights[w] for w in (item.low, item.high))
            )
        if gate.base == "SWAP" and not gate.adjoint:
            for wire in targets:
                self._cross(middle, self._heights[wire])
        elif gate.base == "X" and controls and not gate.adjoint:
            self._plus(middle, self._heights[targets[0]])
        elif targets:
            low, high = min(targets), max(targets)
            shift = 0.12 * (len(targets) > 1)
            self._box(x, item.width, low, high, color, text, shift)
            for number, wire in enumerate(targets if len(targets) > 1 else ()):
                y = self._heights[wire]
                self._text(x + 0.15, y, str(number), fontsize=SMALL - 1)
        for wire, value in zip(controls, gate.values, strict=True):
            self._dot(middle, self._heights[wire], filled=bool(value))

    def _paint_permutation(self, item: Placed, x: float, node: Permutation) -> None:
        for wire in node.targets:
            y = self._heights[wire]
            self._line(x, x + item.width, y, y, color=self.style.ground, width=3)
        for source, target in zip(node.sources, node.targets, strict=True):
            ends = self._heights[source], self._heights[target]
            self._line(x, x + item.width, *ends)

    def _paint_frame(self, item: Placed, x: float) -> None:
        top = self._heights[item.low] + REACH + STEP * (item.rise - 1)
        bottom = self._heights[item.high] - REACH - STEP * (item.sink - 1)
        for line in item.links:
            self._double(x + 0.3, bottom, self._heights[line])
        size = item.width, top - bottom
        look = {"linestyle": (0, (4, 2)), "edgecolor": self.style.frame, "fill": False}
        style = "round,pad=0,rounding_size=0.15"
        rows = self._at(x, x + item.width)
        for row in rows:
            box = self._patches.FancyBboxPatch(
                (x, bottom), *size, boxstyle=style, **look
            )
            row.axes.add_patch(box)
            if len(rows) > 1:
                self._clip(box, row)
        for pane in item.panes:
            left = x + pane.x
            if pane is not item.panes[0]:
                self._line(left - 0.1, left - 0.1, bottom, top, dashed=True)
            self._text(
                left,
                top,
                pane.label,
                ha="left",
                fontsize=SMALL,
                color=self.style.frame,
                bbox={"facecolor": self.style.ground, "edgecolor": "none", "pad": 1},
            )
            self._paint_columns(pane.columns, x + pane.inside)

    def _clip(self, box: Any, row: _Row) -> None:
        """Leave of a box what is on a row."""
        corner, size = (row.first - 0.1, self._bottom), row.last - row.first + 0.1
        part = self._patches.Rectangle(corner, size, -self._bottom)
        box.set_clip_path(part.get_path(), part.get_transform() + row.axes.transData)

    def _paint_terminal(self, item: Placed, x: float, node: Terminal) -> None:
        texts = terminal_texts(node, self._observables.get(node.observable, ""))
        for wire in node.wires:
            y = self._heights[wire]
            self._line(self._end, x, y, y)
        if item.low != item.high:
            middle, ends = x + item.width / 2, (item.low, item.high)
            self._line(middle, middle, *(self._heights[line] for line in ends))
        for wire, text in zip(node.wires, texts, strict=True):
            self._box(x, item.width, wire, wire, self.style.measure, text)

    # Outcomes

    def _paint_outcomes(self) -> None:
        """Paint a double line from each measurement to where it is read last."""
        items = [*self._layout.gates.walk(self._first)]
        for number, name in enumerate(self._layout.outcomes):
            line = self.circuit.num_wires + number
            y = self._heights[line]
            on = [
                (x + 0.3 if item.panes else x + item.width / 2, item)
                for x, item in items
                if line in item.links
            ]
            start, measured = on[0]
            end = max(x for x, _ in on) if len(on) > 1 else self._end
            self._label(self._at(start, end), y, name)
            for offset in (-0.035, 0.035):
                self._line(start, end, y + offset, y + offset, width=0.8)
            self._double(start, self._heights[measured.high], y)

    def _double(self, x: float, top: float, bottom: float) -> None:
        for offset in (-0.035, 0.035):
            self._line(x + offset, x + offset, top, bottom, width=0.8)
        self._dot(x, bottom, filled=True, radius=0.06)

    # Shapes

    def _line(
        self,
        left: float,
        right: float,
        first: float,
        last: float,
        *,
        width: float = 1,
        dashed: bool = False,
        color: str = "",
    ) -> None:
        for row in self._at(left, right):
            ends = left, right
            if first == last:
                ends = max(left, row.first - 0.1), min(right, row.last)
            row.axes.plot(
                ends,
                (first, last),
                color=color or (self.style.frame if dashed else self.style.line),
                linewidth=width,
                linestyle=(0, (4, 2)) if dashed else "-",
                zorder=1,
            )

    def _text(
        self, x: float, y: float, text: str, *, row: _Row | None = None, **look: Any
    ) -> None:
        look = {"ha": "center", "fontsize": FONT, "color": self.style.line, **look}
        # NOTE: a dollar sign would begin a formula.
        axes = (row or self._row(x)).axes
        axes.text(x, y, text.replace("$", r"\$"), va="center", zorder=4, **look)

    def _row(self, x: float) -> _Row:
        return self._at(x, x)[0]

    def _box(
        self,
        x: float,
        width: float,
        low: int,
        high: int,
        color: str,
        text: str,
        shift: float = 0,
    ) -> None:
        top, bottom = self._heights[low] + BOX / 2, self._heights[high] - BOX / 2
        look = {"facecolor": color, "edgecolor": self.style.line, "zorder": 3}
        self._row(x + width / 2).axes.add_patch(
            self._patches.Rectangle((x, bottom), width, top - bottom, **look)
        )
        self._text(x + width / 2 + shift, (top + bottom) / 2, text)

    def _dot(self, x: float, y: float, *, filled: bool, radius: float = 0.11) -> None:
        color = self.style.line if filled else self.style.ground
        look = {"facecolor": color, "edgecolor": self.style.line, "zorder": 3}
        self._row(x).axes.add_patch(self._patches.Circle((x, y), radius, **look))

    def _plus(self, x: float, y: float) -> None:
        look = {"facecolor": self.style.ground, "edgecolor": self.style.line}
        axes = self._row(x).axes
        axes.add_patch(self._patches.Circle((x, y), 0.22, zorder=3, **look))
        for dx, dy in np.array(((0.22, 0), (0, 0.22))):
            ends = (x - dx, x + dx), (y - dy, y + dy)
            axes.plot(*ends, color=self.style.line, linewidth=1, zorder=4)

    def _cross(self, x: float, y: float) -> None:
        for sign in (-1, 1):
            ends = (x - 0.15, x + 0.15), (y - 0.15 * sign, y + 0.15 * sign)
            self._row(x).axes.plot(
                *ends, color=self.style.line, linewidth=1.2, zorder=4
            )
