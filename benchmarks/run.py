"""Compare qjit with PennyLane Catalyst and JAX, case by case, on one core.

The frameworks stay loaded in a process of their own, take turns on the same
core, and must agree on every result. Writes RESULTS.md and results.jsonl; a run of
all cases also renews the README's table.
"""

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from cases import CASES, GRADIENTS, STATES, Case
from figures import draw

from qjit.runtime.switches import STEPS

HERE = Path(__file__).parent
ROOT = HERE.parent
COLUMNS = {
    "qjit": "qjit",
    "jax": "jax.jit",
    "catalyst": "Catalyst",
    "lightning": "Lightning",
    "direct": "Lightning, direct",
    "tensorcircuit": "TensorCircuit",
    "qulacs": "qulacs",
}
CATALYST, PEERS = (
    ROOT / f".venv-{name}" / "bin" / "python" for name in ("catalyst", "peers")
)
TOLERANCE = 1e-6
# Cases that are run with each step of scheduling left out, and those with two threads.
VARIED = ("hea-20", "qft-20", "qaoa-20", "random-20")
LARGE = ("gradient-20", "hea-24", "qft-24")


class Worker:
    """A framework in a process of its own."""

    def __init__(
        self, name: str, python: str, cores: str, cache: str | None = None, **more: str
    ) -> None:
        """Start the process and wait until the framework is loaded.

        Without a folder for its cache, qjit compiles every program: compile times are
        real.
        """
        settings = {
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **({"QJIT_CACHE_DIR": cache} if cache else {"QJIT_CACHE_SIZE": "0"}),
            **more,
        }
        self.name = name
        self.process = subprocess.Popen(
            [python, HERE / "worker.py", name, cores],
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


def measure(name: str, workers: list[Worker], rounds: int) -> dict[str, Any]:
    """Run one case in turns; return samples and medians, in seconds."""
    takes_part = ("qjit", *CASES[name].peers)
    workers = [worker for worker in workers if worker.name in takes_part]
    first = [worker.ask(name, "value") for worker in workers]
    check_equal(name, first)
    samples: dict[str, list[float]] = {worker.name: [] for worker in workers}
    most = CASES[name].most_rounds or rounds
    for round_number in range(1, min(rounds, most) + 1):
        answers = [worker.ask(name, "time", round_number) for worker in workers]
        if CASES[name].compiles:
            check_equal(name, answers)
        for worker, answer in zip(workers, answers, strict=True):
            samples[worker.name].append(answer["seconds"])
    medians = {worker: median(times) for worker, times in samples.items()}
    print(f"{name:12}", *(f"{n} {t * 1e6:.4g} us" for n, t in medians.items()))
    return {
        "case": name,
        "first_call": dict(zip(samples, (a["seconds"] for a in first), strict=True)),
        "median": medians,
        "samples": samples,
    }


def peak_memory(
    result: dict[str, Any], start: Callable[[str], Worker]
) -> dict[str, int]:
    """Return the bytes that a warm call takes, each in a process of its own.

    It is a second process: what a framework keeps between processes is there.
    """
    found: dict[str, int] = {}
    for name in result["median"]:
        for _ in range(2):
            worker = start(name)
            worker.ask(result["case"], "value")
            found[name] = worker.ask(result["case"], "memory")["bytes"]
            worker.close()
    return found


def variants(python: str, core: str, cores: str) -> list[dict[str, Any]]:
    """Return the times of qjit alone: each step of scheduling off, and two threads.

    Without a step, cases of 20 qubits; with all steps and with two threads, larger ones
    as well. One process runs at a time.
    """
    settings = [("all steps", core, {})]
    settings += [(f"without {step}", core, {"QJIT_WITHOUT": step}) for step in STEPS]
    settings.append(("two threads", cores, {"QJIT_NUM_THREADS": "2"}))
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as cache:
        for title, where, more in settings:
            worker = Worker("qjit", python, where, cache, **more)
            large = {"all steps", "two threads"} >= {title}
            names = VARIED + (LARGE if large else ())
            times: dict[str, float] = {}
            for name in names:
                worker.ask(name, "value")
                rounds = [worker.ask(name, "time")["seconds"] for _ in range(3)]
                times[name] = median(rounds)
            worker.close()
            found.append({"variant": title, "median": times})
            print(title, *(f"{n} {t * 1e3:.4g} ms" for n, t in times.items()))
    return found


def variant_table(variants: list[dict[str, Any]]) -> str:
    """Return the times of the variants as a Markdown table."""
    names = variants[0]["median"]
    rows = [f"| qjit | {' | '.join(names)} |", f"|---|{'---:|' * len(names)}"]
    for variant in variants:
        times = variant["median"]
        cells = [duration(times[name]) if name in times else "" for name in names]
        rows.append(f"| {variant['variant']} | {' | '.join(cells)} |")
    first, last = variants[0]["median"], variants[-1]["median"]
    ratios = [f"{first[name] / last[name]:.2f}x" for name in names]
    rows.append(f"| one thread over two | {' | '.join(ratios)} |")
    return "\n".join(rows)


def check_equal(name: str, answers: list[dict[str, Any]]) -> None:
    """Stop where the frameworks disagree."""
    values = [np.asarray(answer["value"]) for answer in answers]
    for value in values[1:]:
        if not np.allclose(value, values[0], rtol=0, atol=CASES[name].tolerance):
            raise SystemExit(f"{name}: the results differ: {values[0]} and {value}")


def machine() -> dict[str, Any]:
    """Describe this machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    pairs = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    vectors = [name for name in ("avx512f", "avx2") if name in facts.get("flags", "")]
    return {
        "cpu": facts.get("model name", platform.processor()),
        "family": f"{facts.get('cpu family', '?')}/{facts.get('model', '?')}",
        "vectors": vectors[0] if vectors else platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 1),
    }


def duration(seconds: float) -> str:
    """Format a time with three digits and a fitting unit."""
    if seconds >= 1:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def best_peer(medians: dict[str, float]) -> float:
    """Return the time of the fastest framework other than qjit."""
    return min(seconds for name, seconds in medians.items() if name != "qjit")


def verdict(case: Case, medians: dict[str, float]) -> tuple[str, bool]:
    """Return the goal in words and whether it was met."""
    if case.goal_peer is not None:
        factor = medians[case.goal_peer] / medians["qjit"]
        ahead = best_peer(medians) > medians["qjit"]
        goal = f"≥ {case.goal_ratio:g}x {COLUMNS[case.goal_peer]}, ahead of all"
        return goal, ahead and factor >= case.goal_ratio
    if case.goal_microseconds is not None:
        met = medians["qjit"] * 1e6 <= case.goal_microseconds
        return f"≤ {case.goal_microseconds:g} µs", met
    ratio = best_peer(medians) / medians["qjit"]
    return f"≥ {case.goal_ratio:.2g}x", ratio >= case.goal_ratio


def table(results: list[dict[str, Any]]) -> str:
    """Return the comparison as Markdown tables: cases, gradients and states."""
    rest = CASES.keys() - GRADIENTS.keys() - STATES.keys()
    parts = [
        [result for result in results if result["case"] in names]
        for names in (rest, GRADIENTS, STATES)
    ]
    return "\n\n".join(_table(part) for part in parts if part)


def _table(results: list[dict[str, Any]]) -> str:
    names = [n for n in COLUMNS if any(n in result["median"] for result in results)]
    heads = ["case", *(COLUMNS[name] for name in names), "ratio", "goal", "met"]
    rows = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 2)}:-:|"]
    for result in results:
        case, medians = CASES[result["case"]], result["median"]
        goal, met = verdict(case, medians)
        times = " | ".join(
            duration(medians[name]) if name in medians else "" for name in names
        )
        ratio = best_peer(medians) / medians["qjit"]
        rows.append(
            f"| {case.title}, per {case.unit} | {times} | {ratio:.3g}x | {goal} | "
            f"{'yes' if met else '**no**'} |"
        )
    return "\n".join(rows)


def memory_table(results: list[dict[str, Any]]) -> str:
    """Return a table of the memory that calls take, if any was measured."""
    found = {CASES[r["case"]].title: r["memory"] for r in results if r.get("memory")}
    if not found:
        return ""
    names = [name for name in COLUMNS if any(name in each for each in found.values())]
    rows = [
        f"| memory of a call, MiB | {' | '.join(COLUMNS[name] for name in names)} |",
        f"|---|{'---:|' * len(names)}",
    ]
    for title, peaks in found.items():
        cells = [f"{peaks[n] / 2**20:.0f}" if n in peaks else "" for n in names]
        rows.append(f"| {title} | {' | '.join(cells)} |")
    text = "\n".join(rows)
    return f"""
{text}

The most that a process of its own had resident during a warm call, less what it had
before the case was built: its results and compiled code count. Of two processes the
second, for which qjit has kept its program. Times are taken without that: every
program is compiled.
"""


def report(
    results: list[dict[str, Any]],
    varied: list[dict[str, Any]],
    versions: Any,
    rounds: int,
) -> str:
    """Return the text of RESULTS.md."""
    facts = machine()
    packages = "\n".join(
        f"* {name}: " + ", ".join(f"{p} {v}" for p, v in versions[name].items())
        for name in COLUMNS
    )
    return f"""# qjit, PennyLane Catalyst and JAX, measured together

Written by `make bench` on {datetime.date.today():%d %B %Y}.

{table(results)}
{memory_table(results)}
{variant_table(varied) if varied else ""}

Medians of {rounds} rounds; compiling takes 3 rounds at 99 and 990 gates of the scaling
cases, and one at 9990. All frameworks run in double precision on one core and take
turns on it; calls are warm, except for the compile case, which goes from the
Python function to the first result, with another circuit in every round. All
results agree to {TOLERANCE:g}, and estimates from shots to six deviations. The ratio
is the fastest peer's time over qjit's; jax.jit takes part where nothing is quantum,
and TensorCircuit, which takes minutes to compile more, up to 12 qubits. "Lightning,
direct" is its state vector called gate by gate without PennyLane. The last table is
of qjit alone, with each step of its scheduling left out (`QJIT_WITHOUT`), and with two
threads on two cores.
Cases: [cases.py](cases.py); all samples: [results.jsonl](results.jsonl); pictures:
[loops](figures/loops.png), [gradients](figures/gradients.png),
[states](figures/states.png), [variants](figures/variants.png).

* Machine: {facts["cpu"]} (family/model {facts["family"]}), {facts["vectors"]},
  {facts["cores"]} cores, {facts["system"]}; load average at the end {facts["load"]}
  (1 is this benchmark alone; above that, trust the ratios more than the times)
{packages}
"""


def renew_readme(text: str) -> None:
    """Put the table between the README's two marks."""
    path = ROOT / "README.md"
    marks = r"(<!-- results -->\n).*(<!-- end of results -->)"
    renewed = re.sub(marks, rf"\g<1>{text}\n\g<2>", path.read_text(), flags=re.DOTALL)
    path.write_text(renewed)


def main() -> None:
    """Run the cases asked for and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="; ".join(CASES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--core", default="0")
    parser.add_argument("--cores", default="0,1", help="for two threads")
    parser.add_argument("--variants", action="store_true", help="also of some cases")
    parser.add_argument("--catalyst", default=str(CATALYST), help="its python")
    parser.add_argument("--peers", default=str(PEERS), help="the others' python")
    parser.add_argument("--output", type=Path, default=HERE)
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    ours, others = sys.executable, [options.catalyst] * 3 + [options.peers] * 2
    pythons = dict(zip(COLUMNS, [ours, ours, *others], strict=True))
    workers = [Worker(name, pythons[name], options.core) for name in COLUMNS]
    try:
        names = options.cases or list(CASES)
        results = [measure(name, workers, options.rounds) for name in names]
    finally:
        for worker in workers:
            worker.close()
    with tempfile.TemporaryDirectory() as cache:

        def start(name: str) -> Worker:
            return Worker(name, pythons[name], options.core, cache)

        for result in results:
            if CASES[result["case"]].memory:
                result["memory"] = peak_memory(result, start)
    versions = {worker.name: worker.versions for worker in workers}
    everything = not options.cases
    own = (ours, options.core, options.cores)
    varied = variants(*own) if everything or options.variants else []
    text = report(results, varied, versions, options.rounds)
    (options.output / "RESULTS.md").write_text(text)
    facts = {"machine": machine(), "versions": versions}
    lines = [json.dumps(record) for record in (facts, *results, *varied)]
    (options.output / "results.jsonl").write_text("\n".join(lines) + "\n")
    if everything and options.output == HERE:
        renew_readme(table(results))
        draw()
    print(f"\n{table(results)}")


if __name__ == "__main__":
    main()
