"""Draw the tables of results.jsonl, one picture each, into figures/."""

import json
from pathlib import Path
from typing import Any

from cases import CASES, GRADIENTS, STATES

HERE = Path(__file__).parent


def draw(results: Path = HERE / "results.jsonl") -> None:
    """Write a picture of each table for which there are results."""
    records = [json.loads(line) for line in results.read_text().splitlines()]
    folder = results.parent / "figures"
    folder.mkdir(exist_ok=True)
    rest = CASES.keys() - GRADIENTS.keys() - STATES.keys()
    for name, cases in (("loops", rest), ("gradients", GRADIENTS), ("states", STATES)):
        rows = {
            CASES[record["case"]].title: record["median"]
            for record in records
            if record.get("case") in cases
        }
        if rows:
            _bars(rows, folder / f"{name}.png")
    variants = {r["variant"]: r["median"] for r in records if "variant" in r}
    if variants:
        names = next(iter(variants.values()))
        turned = {
            name: {title: v[name] for title, v in variants.items() if name in v}
            for name in names
        }
        _bars(turned, folder / "variants.png")


def _bars(rows: dict[str, dict[str, float]], path: Path) -> None:
    """Draw seconds as a group of bars for each row, on a logarithmic axis."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    series = list(dict.fromkeys(name for row in rows.values() for name in row))
    height = 0.8 / len(series)
    size = (8, 1 + 0.16 * len(rows) * len(series))
    figure, axes = pyplot.subplots(figsize=size, layout="constrained")
    for number, name in enumerate(series):
        there = [(at, row[name]) for at, row in enumerate(rows.values()) if name in row]
        places = [at + (number + 0.5) * height - 0.4 for at, _ in there]
        widths: list[Any] = [value for _, value in there]
        axes.barh(places, widths, height, label=name)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("seconds")
    axes.legend()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


if __name__ == "__main__":
    draw()
