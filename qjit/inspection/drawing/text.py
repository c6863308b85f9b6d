"""Drawings of circuits as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

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

from .labels import (
    gate_text,
    is_dynamic,
    legend_lines,
    measure_text,
    observable_names,
    terminal_texts,
)
from .layout import Columns, Layout, Measures, Placed, Shown, pieces

# What a vertical line makes of the characters that it crosses.
CROSSED = {"─": "┼", "═": "╪", "╌": "┊", " ": "│"}
SWAPPED = "\N{BOX DRAWINGS LIGHT DIAGONAL CROSS}"
CROSSED_TWICE = {"─": "╫", "═": "╬", "╌": "╫", " ": "║", "│": "║", "┼": "╫", "┊": "║"}


class Text:
    """A circuit as lines of characters."""

    def __init__(self, circuit: Circuit, decimals: int | None) -> None:
        self.circuit, self._decimals = circuit, decimals
        self._observables = observable_names(circuit.terminals)
        measures = Measures(self._width, lambda label: len(label) + 2, 1, 1)
        self._layout = layout = Layout(circuit, measures)
        self._end = int(layout.gates.width) + 1
        self._rows = self._row_numbers()
        width = self._end + 2 + int(layout.terminals.width)
        height = self._rows[-1] + 1 + layout.gaps()[-1][1]
        self._canvas = [[" "] * width for _ in range(height)]
        self._paint()

    def folded(self, width: int) -> str:
        """Return the drawing in pieces that are no wider than some characters."""
        labels = self._labels()
        room = max(width - len(labels[0]) - 1, 8)
        places = [*self._pieces(room)]
        found: list[str] = []
        for number, (first, last) in enumerate(places):
            more = number < len(places) - 1
            lines = [
                _line(label, "".join(row[first:last]), more=more)
                for label, row in zip(labels, self._canvas, strict=True)
            ]
            while lines and not lines[0].strip():
                lines.pop(0)
            while lines and not lines[-1].strip():
                lines.pop()
            found.append("\n".join(lines))
        legend = [f"{name} = {text}" for text, name in self._observables.items()]
        legend += legend_lines(self.circuit)
        return "\n\n".join(found) + "".join(f"\n{line}" for line in legend)

    def _pieces(self, room: int) -> Iterator[tuple[int, int]]:
        cuts = {1 + int(x) for x in self._layout.gates.cuts()}
        cuts |= {self._end + 2 + int(x) for x in self._layout.terminals.cuts()}
        cuts |= {self._end}
        for first, last in pieces(cuts, 0, len(self._canvas[0]), room):
            yield int(first), int(last)

    def _labels(self) -> list[str]:
        names = [*self.circuit.wire_labels, *self._layout.outcomes]
        width = max(map(len, names)) + 2
        found = [" " * width] * len(self._canvas)
        for name, row in zip(names, self._rows, strict=True):
            found[row] = f"{name:>{width - 2}}: "
        return found

    def _row_numbers(self) -> list[int]:
        """Return the row of each line: frames need some between them."""
        gaps, found = self._layout.gaps(), [0]
        found = [gaps[0][0]]
        for (_, below), (above, _) in pairwise(gaps):
            found.append(found[-1] + 1 + max(1, below + above))
        return found

    def _width(self, node: Shown) -> int:
        match node:
            case Terminal():
                texts = terminal_texts(node, self._observables.get(node.observable, ""))
                return 1 + max(map(len, texts))
            case Gate() if node.base == "SWAP" and not is_dynamic(node):
                return 1
            case Gate():
                indices = len(node.targets) > 1 and not is_dynamic(node)
                length = len(gate_text(node, self._decimals))
                return 2 + length + 2 * indices
            case Measure():
                return 2 + len(measure_text(node))
            case Permutation():
                return 3 + max(len(str(wire)) for wire in node.sources)
            case _:
                return 5

    # Painting

    def _paint(self) -> None:
        count = self.circuit.num_wires
        for row in self._rows[:count]:
            self._canvas[row][: self._end] = "─" * self._end
            self._canvas[row][self._end] = "┤"
        self._paint_outcomes()
        self._paint_columns(self._layout.gates, 1)
        self._paint_columns(self._layout.terminals, self._end + 2)
        for x, item in self._layout.gates.walk(1):
            for line in item.links:
                self._link(item, int(x), line)

    def _paint_columns(self, columns: Columns, x: int) -> None:
        for item in columns.items:
            here = x + int(item.x)
            match item.node:
                case Gate() if is_dynamic(item.node):
                    self._box(item, here, {}, gate_text(item.node, self._decimals))
                case Gate():
                    self._paint_gate(item, here, item.node)
                case Measure():
                    self._put(
                        here, self._rows[item.low], f"┤{measure_text(item.node)}├"
                    )
                case Reset():
                    self._put(here, self._rows[item.low], "┤|0⟩├")
                case Permutation():
                    moved = zip(item.node.sources, item.node.targets, strict=True)
                    rows = {target: f"←{source}" for source, target in moved}
                    self._box(item, here, rows)
                case Loop() | Branch():
                    self._paint_frame(item, here)
                case Terminal():
                    self._paint_terminal(item, here, item.node)
                case Meeting():
                    pass

    def _put(self, x: int, row: int, text: str) -> None:
        self._canvas[row][x : x + len(text)] = text

    def _paint_gate(self, item: Placed, x: int, gate: Gate) -> None:
        middle = x + int(item.width - 1) // 2
        targets = [wire for wire in gate.targets if isinstance(wire, int)]
        controls = [wire for wire in gate.controls if isinstance(wire, int)]
        text = gate_text(gate, self._decimals)
        if controls or gate.base == "SWAP":
            self._vertical(middle, self._rows[item.low], self._rows[item.high])
        if gate.base == "SWAP":
            for wire in targets:
                self._put(x, self._rows[wire], SWAPPED)
        elif len(targets) == 1:
            self._put(x, self._rows[targets[0]], f"┤{text}├")
        elif targets:
            rows = {wire: f"{n}" for n, wire in enumerate(targets)}
            low, high = min(targets), max(targets)
            box = Placed(gate, low, high, (), item.width)
            rows[low] += f" {text}"
            self._box(box, x, rows)
        for wire, value in zip(controls, gate.values, strict=True):
            self._put(middle, self._rows[wire], "●" if value else "○")

    def _box(
        self, item: Placed, x: int, texts: dict[int, str], whole: str | None = None
    ) -> None:
        """Paint a box over lines, of which some have a text; or one text for all."""
        inner = int(item.width) - 2
        for row in range(self._rows[item.low], self._rows[item.high] + 1):
            self._put(x, row, f"│{' ' * inner}│")
        for line in range(item.low, item.high + 1):
            row = self._rows[line]
            if whole is not None:
                text = whole if line == item.low else ""
                self._put(x, row, f"┤{text:{inner}}├")
            elif line in texts:
                self._put(x, row, f"┤{texts[line]:{inner}}├")
            else:
                self._put(x, row, f"┼{'─' * inner}┼")

    def _paint_frame(self, item: Placed, x: int) -> None:
        top, bottom = (
            self._rows[item.low] - item.rise,
            self._rows[item.high] + item.sink,
        )
        width = int(item.width)
        self._put(x, top, f"╭{'╌' * (width - 2)}╮")
        self._put(x, bottom, f"╰{'╌' * (width - 2)}╯")
        sides = [x, x + width - 1]
        for pane in item.panes:
            left = x + int(pane.x)
            self._put(left + 1, top, pane.label)
            if left - 1 != x:
                sides.append(left - 1)
                self._put(left - 1, top, "┬")
                self._put(left - 1, bottom, "┴")
            self._paint_columns(pane.columns, x + int(pane.inside))
        for side in sides:
            self._vertical(side, top + 1, bottom - 1, "┊")

    def _paint_terminal(self, item: Placed, x: int, node: Terminal) -> None:
        texts = terminal_texts(node, self._observables.get(node.observable, ""))
        order = sorted(zip(node.wires, texts, strict=True))
        first, last = order[0][0], order[-1][0]
        if first != last:
            for row in range(self._rows[first], self._rows[last] + 1):
                self._put(x, row, "│")
        for wire, text in order:
            sign = "╭" if wire == first else "╰" if wire == last else "├"
            sign = " " if first == last else sign
            self._put(x, self._rows[wire], sign + text)

    def _vertical(self, x: int, top: int, bottom: int, sign: str = "│") -> None:
        for row in range(top, bottom + 1):
            before = self._canvas[row][x]
            self._canvas[row][x] = (
                sign if before == " " else CROSSED.get(before, before)
            )

    # Outcomes

    def _paint_outcomes(self) -> None:
        """Paint a double line from each measurement to where it is read last."""
        columns: dict[int, list[int]] = {}
        for x, item in self._layout.gates.walk(1):
            for line in item.links:
                columns.setdefault(line, []).append(self._column(item, int(x)))
        for line in range(self.circuit.num_wires, self._layout.lines):
            on = columns[line]
            last = max(on) if len(on) > 1 else self._end
            self._put(on[0], self._rows[line], "═" * (last + 1 - on[0]))

    def _column(self, item: Placed, x: int) -> int:
        """Return where the outcomes of a part go up or down."""
        return x + 1 if item.panes else x + int(item.width - 1) // 2

    def _link(self, item: Placed, x: int, line: int) -> None:
        column, end = self._column(item, x), self._rows[line]
        first = self._rows[item.high] + 1
        if item.panes:
            first = self._rows[item.high] + item.sink
            self._canvas[first][column] = "╥"
            first += 1
        for row in range(first, end):
            before = self._canvas[row][column]
            self._canvas[row][column] = CROSSED_TWICE.get(before, before)
        writes = isinstance(item.node, Measure)
        after = self._canvas[end][column + 1 : column + 2] == ["═"]
        self._canvas[end][column] = "╚" if writes else "╩" if after else "╝"


def _line(label: str, text: str, *, more: bool) -> str:
    """Return one line of a piece, after which others may come."""
    if not text.strip():
        return ""
    goes_on = more and label.strip() and text[-1] not in " "
    return f"{label}{text}".rstrip() + ("»" if goes_on else "")


def draw_texts(circuits: Sequence[Circuit], width: int, decimals: int | None) -> str:
    """Return the drawings of circuits, each under its name if there are several."""
    texts = [Text(circuit, decimals).folded(width) for circuit in circuits]
    if len(texts) == 1:
        return texts[0]
    return "\n\n".join(
        f"{circuit.name}:\n{text}"
        for circuit, text in zip(circuits, texts, strict=True)
    )
