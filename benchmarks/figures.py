"""Draw each table of results.jsonl as a picture."""

from pathlib import Path
from typing import Any

from cases import CASES, TABLES
from columns import COLUMNS
from comparison import Table
from matplotlib.figure import Figure
from results import Results, text_counts


def draw(results: Results, folder: Path) -> None:
    """Write a picture of each table for which there are results."""
    folder.mkdir(exist_ok=True)
    for name, table in TABLES.items():
        records = results.of(name)
        if records:
            (_curves if table.axis else _bars)(table, records, folder / f"{name}.png")
        if any("text" in record for record in records):
            _texts(table, records, folder / f"{name}-text.png")


def _subplots(**options: Any) -> Any:
    """Return a new figure and its axes, as many as asked for."""
    figure = Figure(figsize=options.pop("figsize"), layout="constrained")
    return figure, figure.subplots(**options)


def _label(table: Table) -> str:
    return "seconds" if table.quantity == "seconds" else "state vectors"


def _bars(table: Table, records: list[dict[str, Any]], path: Path) -> None:
    """Draw numbers as a group of bars for each case, on a logarithmic axis."""
    rows = {CASES[record["case"]].title: record["median"] for record in records}
    names = [name for name in COLUMNS if any(name in row for row in rows.values())]
    colours = {name: f"C{number}" for number, name in enumerate(names)}
    size = (9, 1.6 + sum(0.14 * len(row) + 0.08 for row in rows.values()))
    figure, axes = _subplots(figsize=size)
    place, ticks = 0.0, []
    for row in rows.values():
        ticks.append(place + (len(row) - 1) / 2)
        for name in (name for name in names if name in row):
            axes.barh(place, row[name], 1.0, color=colours[name])
            place += 1
        place += 0.6
    for name in names:
        axes.barh(0, 0, color=colours[name], label=COLUMNS[name].title)
    axes.set_yticks(ticks, list(rows))
    axes.set_ylim(place, -1)
    axes.set_xscale("log" if table.quantity == "seconds" else "linear")
    axes.set_xlabel(_label(table))
    figure.suptitle(table.title)
    figure.legend(loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=100)


def _panels(records: list[dict[str, Any]]) -> Any:
    """Return a figure, and for each kind of curve its axes and its points."""
    kinds = list(dict.fromkeys(CASES[record["case"]].curve for record in records))
    size = (1 + 4.5 * len(kinds), 5)
    figure, panels = _subplots(
        ncols=len(kinds), figsize=size, sharey=True, squeeze=False
    )
    points = [
        [record for record in records if CASES[record["case"]].curve == kind]
        for kind in kinds
    ]
    for kind, axes in zip(kinds, panels[0], strict=True):
        axes.set_title(kind)
    return figure, list(zip(panels[0], points, strict=True))


def _curve(axes: Any, points: list[dict[str, Any]], title: str, numbers: Any) -> None:
    """Draw what `numbers` finds in a record over the places of the cases."""
    there = [
        (CASES[record["case"]].place, numbers(record))
        for record in points
        if numbers(record) is not None
    ]
    if there:
        axes.plot(*zip(*there, strict=True), marker="o", label=title)


def _finish(figure: Any, panels: Any, table: Table, label: str, path: Path) -> None:
    for axes, _ in panels:
        axes.set_yscale("log")
        if table.axis != "qubits":
            axes.set_xscale("log")
        axes.set_xlabel(table.axis)
        axes.legend()
    panels[0][0].set_ylabel(label)
    figure.suptitle(table.title)
    figure.savefig(path, dpi=100)


def _curves(table: Table, records: list[dict[str, Any]], path: Path) -> None:
    """Draw numbers over the table's axis, a panel for each kind of curve."""
    figure, panels = _panels(records)
    for axes, points in panels:
        for name, column in COLUMNS.items():
            _curve(
                axes, points, column.title, lambda r, name=name: r["median"].get(name)
            )
    label = f"{_label(table)} per {CASES[records[0]['case']].per}"
    _finish(figure, panels, table, label, path)


def _texts(table: Table, records: list[dict[str, Any]], path: Path) -> None:
    """Draw the number of operations of programs over the table's axis."""
    figure, panels = _panels(records)
    stages = [
        (column, stage)
        for column, found in records[0]["text"].items()
        for stage in found
    ]
    for axes, points in panels:
        for column, stage in stages:
            _curve(
                axes,
                points,
                f"{COLUMNS[column].title}, {stage}",
                lambda r, c=column, s=stage: text_counts(r, c, s).get("operations"),
            )
    _finish(figure, panels, table, "operations of the program", path)
