"""Compare qjit with other frameworks, case by case, on one core.

The frameworks stay loaded in processes of their own, take turns on the same core, and
must agree on every result. Writes results.jsonl, RESULTS.md, a figure for each table
and the README's table; cases that are not run keep what was measured before.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from cases import CASES, TABLES
from columns import COLUMNS, EARLIER, ROOT
from comparison import Case
from figures import draw
from report import renew_readme, report
from results import Results
from versions import VERSIONS

HERE = Path(__file__).parent


class Worker:
    """A framework in a process of its own."""

    def __init__(self, name: str, cores: str, cache: str | None = None) -> None:
        """Start the process and wait until the framework is loaded.

        Without a folder for its cache, qjit compiles every program: compile times are
        real.
        """
        column = COLUMNS[name]
        places = ",".join(cores.split(",")[: column.threads])
        threads = str(column.threads)
        settings = {
            "OMP_NUM_THREADS": threads,
            "QJIT_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": "1",
            **({"QJIT_CACHE_DIR": cache} if cache else {"QJIT_CACHE_SIZE": "0"}),
            **column.settings,
        }
        self.name = name
        self.process = subprocess.Popen(
            [column.python, HERE / "worker.py", column.framework, places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | settings,
        )
        self.versions = self._reply()

    def ask(self, case: str, action: str, round_number: int = 0) -> dict[str, Any]:
        """Send one request and wait for its answer."""
        assert self.process.stdin
        print(json.dumps([case, action, round_number]), file=self.process.stdin)
        self.process.stdin.flush()
        return self._reply()

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def _reply(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"The {self.name} process ended; its error is above.")
        return json.loads(line)


class Workers:
    """The processes of a table's columns, each started when it is first needed."""

    def __init__(self, cores: str) -> None:
        """Begin with none."""
        self.cores = cores
        self.cache = tempfile.TemporaryDirectory()
        self.started: dict[str, Worker] = {}
        self.versions: dict[str, Any] = {}

    def __call__(self, name: str) -> Worker:
        """Return the process of a column."""
        if name not in self.started:
            self.started[name] = self.new(name)
        return self.started[name]

    def new(self, name: str, cache: str | None = None) -> Worker:
        """Start another process for a column."""
        worker = Worker(name, self.cores, cache)
        self.versions[COLUMNS[name].framework] = worker.versions
        return worker

    def ask(self, name: str, *request: Any) -> dict[str, Any]:
        """Ask the process of a column."""
        return self(name).ask(*request)

    def once(self, name: str, *request: Any) -> dict[str, Any]:
        """Ask a new process, which finds programs that are kept, and end it."""
        worker = self.new(name, self.cache.name)
        answer = worker.ask(*request)
        worker.close()
        return answer

    def first(self, name: str, *request: Any) -> dict[str, Any]:
        """Ask a new process whose cache is empty, and end it."""
        with tempfile.TemporaryDirectory() as cache:
            worker = self.new(name, cache)
            answer = worker.ask(*request)
            worker.close()
        return answer

    def close(self) -> None:
        """End them."""
        for worker in self.started.values():
            worker.close()
        self.started.clear()
        self.cache.cleanup()


def measure(name: str, workers: Workers, rounds: int) -> dict[str, Any]:
    """Run one case in turns; return samples and medians, in seconds or bytes."""
    case = CASES[name]
    columns = ("qjit", *case.peers)
    counted = range(1, min(rounds, case.rounds) + 1)
    first: dict[str, float] = {}
    if case.empty:
        samples = take(name, columns, counted, workers.first)
    elif case.fresh:
        for column in columns:
            if COLUMNS[column].framework == "qjit":
                workers.once(column, name, "compile")  # which keeps the program
        samples = take(name, columns, counted, workers.once)
    else:
        if case.first:
            answers = {c: workers.ask(c, name, "compile") for c in columns}
            check_equal(name, answers)
            first = {column: answers[column]["number"] for column in columns}
        samples = take(name, columns, counted, workers.ask)
    medians = {column: median(found) / case.count for column, found in samples.items()}
    print(f"{name:20}", *(f"{c} {m:.4g}" for c, m in medians.items()), flush=True)
    record = {"case": name, "median": medians, "samples": samples, "first": first}
    if case.describe:
        described = [c for c in columns if c in ("qjit", "catalyst")]
        record["text"] = {
            c: workers.ask(c, name, "describe", counted[-1]) for c in described
        }
    return record


def take(
    name: str,
    columns: Iterable[str],
    rounds: Iterable[int],
    ask: Callable[..., dict[str, Any]],
) -> dict[str, list[float]]:
    """Return the numbers of all rounds, in which the columns take turns."""
    samples: dict[str, list[float]] = {column: [] for column in columns}
    for round_number in rounds:
        answers = {
            column: ask(column, name, CASES[name].action, round_number)
            for column in columns
        }
        check_equal(name, answers)
        for column, answer in answers.items():
            samples[column].append(answer["number"])
    return samples


def check_equal(name: str, answers: dict[str, dict[str, Any]]) -> None:
    """Stop where the frameworks disagree."""
    case: Case = CASES[name]
    values = {
        column: np.asarray(answer["value"])
        for column, answer in answers.items()
        if "value" in answer and column not in case.unlike
    }
    for column, value in values.items():
        if not np.allclose(value, values["qjit"], rtol=0, atol=case.tolerance):
            raise SystemExit(
                f"{name}: the results differ: qjit has {values['qjit']}, and {column} "
                f"{value}."
            )


def selected(names: list[str]) -> dict[str, list[str]]:
    """Return the cases to run, by table; names are of tables or of cases."""
    known = {*TABLES, *CASES}
    if unknown := set(names) - known:
        raise SystemExit(
            f"There is no {', '.join(sorted(unknown))}. Tables are "
            f"{', '.join(TABLES)}; cases are {', '.join(CASES)}."
        )
    if not EARLIER and {"versions", *VERSIONS.cases} & set(names):
        raise SystemExit("QJIT_EARLIER has to name the folder of an earlier version.")
    return {
        table: [c for c in TABLES[table].cases if not names or {table, c} & set(names)]
        for table in TABLES
    }


def usual_tables() -> list[str]:
    """Return the tables to run if none are asked for."""
    return [name for name in TABLES if EARLIER or name != "versions"]


def main() -> None:
    """Run the cases asked for and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only",
        nargs="*",
        metavar="NAME",
        help="tables or cases; with none, only the report",
    )
    parser.add_argument("--rounds", type=int, default=9, help="at most")
    parser.add_argument("--cores", default="0,1", help="the first is used by all")
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    options.output.mkdir(exist_ok=True)
    results = Results(options.output / "results.jsonl")
    names = options.only if options.only is not None else usual_tables()
    for table, cases in selected(names).items() if names else ():
        workers = Workers(options.cores)
        try:
            for name in cases:
                record = measure(name, workers, options.rounds)
                results.versions |= workers.versions
                results.add({"table": table, **record})
        finally:
            workers.close()
    (options.output / "RESULTS.md").write_text(report(results))
    draw(results, options.output / "figures")
    if options.output == HERE:
        renew_readme(ROOT / "README.md", results)


if __name__ == "__main__":
    main()
