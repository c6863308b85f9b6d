"""RESULTS.md and the README's table, from results.jsonl."""

import re
from pathlib import Path
from textwrap import fill
from typing import Any

from cases import CASES, TABLES
from columns import COLUMNS, FRAMEWORKS
from comparison import Ahead, Case, Goal, Table, best
from optimiser_tables import optimiser_sections
from results import Results, text_counts

# The README's rows.
SELECTED = (
    *("call", "hea-4-loop", "hea-8-loop", "qaoa-12-loop"),
    *("vqe-h2", "vqe-ising-8", "vqe-ising-8-compile"),
    *("gradient-4", "gradient-12", "gradient-20", "uccsd"),
    *("hea-16", "hea-20", "qft-20", "qaoa-24", "random-24"),
    *("hea-20-complex64", "qaoa-24-complex64"),
    *("sample-20", "teleport", "measured"),
    *("compile-circuit-990", "compile-gradient-990", "second-990"),
    *("adam", "memory-gradient"),
)


def duration(seconds: float) -> str:
    """Format a time with three digits and a fitting unit."""
    units = {"s": 1, "ms": 1e3, "µs": 1e6, "ns": 1e9}
    fitting = (unit for unit, factor in units.items() if seconds * factor >= 0.9995)
    unit = next(fitting, "ns")
    return f"{seconds * units[unit]:.3g} {unit}"


def quantity(number: float, kind: str) -> str:
    """Format a time, or memory as so many state vectors."""
    return duration(number) if kind == "seconds" else f"{number:.3g} states"


def wording(goal: Goal, kind: str) -> str:
    """Return a goal in words."""
    if not isinstance(goal, Ahead):
        return f"≤ {quantity(goal.bound, kind)}"
    peer = COLUMNS[goal.peer].title if goal.peer else ""
    if goal.ratio < 1:
        return f"≤ {1 / goal.ratio:.3g} times {peer or 'the best'}"
    return f"≥ {goal.ratio:g}x {peer}".strip()


def verdict(case: Case, medians: dict[str, float], kind: str) -> str:
    """Return the goals in words and whether they were met, as two cells."""
    if not case.goals:
        return " | "
    met = all(goal.met(medians) for goal in case.goals)
    words = ", ".join(wording(goal, kind) for goal in case.goals)
    return f"{words} | {'yes' if met else '**no**'}"


def ratio_of(table: Table, medians: dict[str, float]) -> str:
    """Return the table's ratio of two columns, if both are there."""
    if table.ratio is None or len(medians) < 2:
        return ""
    above, below = table.ratio
    number = medians[above] if above else best(medians)[1]
    return f"{number / medians[below]:.3g}x"


def title_of(table: Table, case: Case) -> str:
    """Return a row's title: the case, and what a time is per."""
    return (
        f"{case.title}, per {case.per}" if table.quantity == "seconds" else case.title
    )


def table_text(table: Table, records: list[dict[str, Any]]) -> str:
    """Return a table in Markdown: a row for each case."""
    medians = [record["median"] for record in records]
    names = [name for name in COLUMNS if any(name in each for each in medians)]
    goals = any(CASES[record["case"]].goals for record in records)
    heads = ["case", *(COLUMNS[name].title for name in names)]
    rated = table.ratio is not None and len(names) > 1
    if rated:
        heads.append("ratio")
    marks = "---:|" * (len(heads) - 1)
    if goals:
        heads += ["goal", "met"]
        marks += "---:|:-:|"
    rows = [f"| {' | '.join(heads)} |", f"|---|{marks}"]
    for record in records:
        case, found = CASES[record["case"]], record["median"]
        cells = [title_of(table, case)]
        cells += [
            quantity(found[name], table.quantity) if name in found else ""
            for name in names
        ]
        if rated:
            cells.append(ratio_of(table, found))
        if goals:
            cells.append(verdict(case, found, table.quantity))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def description_text(records: list[dict[str, Any]]) -> str:
    """Return a table of how long the texts of programs are, if any were counted."""
    described = [record for record in records if record.get("text")]
    if not described:
        return ""
    found = described[0]["text"]
    stages = [(column, stage) for column in found for stage in found[column]]
    heads = [
        f"{COLUMNS[column].title}, {stage}: {what}"
        for column, stage in stages
        for what in ("operations", "characters")
    ]
    rows = [f"| program | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for record in described:
        numbers = [
            text_counts(record, column, stage).get(what)
            for column, stage in stages
            for what in ("operations", "characters")
        ]
        cells = ["" if number is None else f"{number:,}" for number in numbers]
        rows.append(f"| {CASES[record['case']].title} | {' | '.join(cells)} |")
    return "\n\n" + "\n".join(rows)


def section(name: str, results: Results) -> str:
    """Return the section of a table that was measured."""
    table, records = TABLES[name], results.of(name)
    dates = sorted({record["date"] for record in records})
    load = max(record["load"] for record in records)
    rounds = sorted({len(record["samples"]["qjit"]) for record in records})
    counted = " to ".join(str(count) for count in {rounds[0]: 0, rounds[-1]: 0})
    described = description_text(records)
    figures = [f"{name}.png"] + [f"{name}-text.png"] * bool(described)
    links = ", ".join(f"[{figure}](figures/{figure})" for figure in figures)
    note = (
        f"Medians of {counted} round{'s' * (rounds[-1] > 1)} on {' and '.join(dates)}, "
        f"on {records[0]['machine']}; the load average was at most {load}. {links}."
    )
    return f"""## {table.title}

{fill(table.text, 88, break_on_hyphens=False)}

{table_text(table, records)}{described}

{fill(note, 88, break_long_words=False, break_on_hyphens=False)}
"""


def report(results: Results) -> str:
    """Return the text of RESULTS.md."""
    sections = [section(name, results) for name in TABLES if results.of(name)]
    packages = "\n".join(
        f"* {column.title}: "
        + ", ".join(f"{p} {v}" for p, v in results.versions[name].items())
        for name, column in FRAMEWORKS.items()
        if name in results.versions
    )
    passes = optimiser_sections(results.path.parent / "optimisers.jsonl")
    return f"""# qjit and other frameworks, measured together

Written by `make bench`; `make bench ARGS="--only states vqe-h2"` measures some tables
or cases again. All frameworks run on the same core and take turns on it, each in a
process of its own that stays loaded, with one thread. Unless a table says otherwise,
they run in double precision, and times are of warm calls. All results agree to 1e-6
(in complex64 to 1e-3), and estimates from shots to six deviations. The ratio is the
fastest other framework's time over qjit's. "Lightning, direct" is Lightning's state
vector, called gate by gate without PennyLane; qsim is called without Cirq. A load
average of 1 is this benchmark alone; above that, trust the ratios more than the times.

All samples: [results.jsonl](results.jsonl). Cases: [cases.py](cases.py).

{packages}

{chr(10).join(sections)}{passes}"""


def selection(results: Results) -> str:
    """Return the README's table: some cases, with the best of their peers."""
    rows = [
        "| case | qjit | fastest other | ratio | goal | met |",
        "|---|---:|---:|---:|---:|:-:|",
    ]
    for name in SELECTED:
        if name not in results.cases:
            continue
        case, medians = CASES[name], results.cases[name]["median"]
        table = next(t for t in TABLES.values() if name in t.cases)
        kind = table.quantity
        other, ratio = "", ""
        if len(medians) > 1:
            peer = (table.ratio or ("",))[0] or best(medians)[0]
            other = f"{quantity(medians[peer], kind)} ({COLUMNS[peer].title})"
            ratio = ratio_of(table, medians)
        mine = quantity(medians["qjit"], kind)
        goal = verdict(case, medians, kind)
        row = title_of(table, case), mine, other, ratio, goal
        rows.append(f"| {' | '.join(row)} |")
    return "\n".join(rows)


def renew_readme(path: Path, results: Results) -> None:
    """Put the selection between the README's two marks."""
    marks = r"(<!-- results -->\n).*(<!-- end of results -->)"
    text = selection(results)
    renewed = re.sub(
        marks, lambda m: f"{m[1]}{text}\n{m[2]}", path.read_text(), flags=re.DOTALL
    )
    path.write_text(renewed)
