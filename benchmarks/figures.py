"""Draw each table of results.jsonl as a picture."""

from pathlib import Path
from typing import Any

from cases import CASES, TABLES
from columns import COLUMNS
from comparison import Table
from matplotlib import use
from results import Results


def draw(results: Results, folder: Path) -> None:
    """Write a picture of each table for which there are results."""
    folder.mkdir(exist_ok=True)
    for name, table in TABLES.items():
        records = results.of(name)
        if records:
            path = folder / f"{name}.png"
            (_curves if table.axis else _bars)(table, records, path)


def _pyplot() -> Any:
    use("agg")
    from matplotlib import pyplot

    return pyplot


def _label(table: Table) -> str:
    return "seconds" if table.quantity == "seconds" else "state vectors"


def _bars(table: Table, records: list[dict[str, Any]], path: Path) -> None:
    """Draw numbers as a group of bars for each case, on a logarithmic axis."""
    rows = {CASES[record["case"]].title: record["median"] for record in records}
    series = [name for name in COLUMNS if any(name in row for row in rows.values())]
    height = 0.8 / len(series)
    size = (8, 1 + 0.16 * len(rows) * len(series))
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=size, layout="constrained")
    for number, name in enumerate(series):
        there = [(at, row[name]) for at, row in enumerate(rows.values()) if name in row]
        places = [at + (number + 0.5) * height - 0.4 for at, _ in there]
        axes.barh(places, [v for _, v in there], height, label=COLUMNS[name].title)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xscale("log" if table.quantity == "seconds" else "linear")
    axes.set_xlabel(_label(table))
    axes.set_title(table.title)
    axes.legend()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _curves(table: Table, records: list[dict[str, Any]], path: Path) -> None:
    """Draw numbers over the table's axis, a panel for each kind of curve."""
    kinds = list(dict.fromkeys(CASES[record["case"]].curve for record in records))
    size = (1 + 4.5 * len(kinds), 4.5)
    pyplot = _pyplot()
    figure, panels = pyplot.subplots(
        1, len(kinds), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for kind, axes in zip(kinds, panels[0], strict=True):
        points = [record for record in records if CASES[record["case"]].curve == kind]
        for name, column in COLUMNS.items():
            there = [
                (CASES[record["case"]].place, record["median"][name])
                for record in points
                if name in record["median"]
            ]
            if there:
                axes.plot(*zip(*there, strict=True), marker="o", label=column.title)
        axes.set_yscale("log")
        if table.axis != "qubits":
            axes.set_xscale("log")
        axes.set_xlabel(table.axis)
        axes.set_title(kind or table.title)
        axes.legend()
    panels[0][0].set_ylabel(f"{_label(table)} per {CASES[records[0]['case']].per}")
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
