"""The sections of RESULTS.md on passes, from optimisers.jsonl."""

import json
from math import exp, log
from pathlib import Path
from statistics import fmean
from textwrap import fill
from typing import Any

Record = dict[str, Any]
PEERS = {"qiskit": "Qiskit", "pytket": "pytket", "catalyst": "Catalyst"}
COLUMNS = {"input": "input", "ours": "qjit", "zeros": "qjit from 0…0", **PEERS}
WHAT = {"two": "two-qubit gates", "gates": "all gates", "depth": "depth"}


def seconds_of(found: Record) -> float:
    """Return the seconds of an optimiser, of all its passes."""
    seconds = found["seconds"]
    return sum(seconds.values()) if isinstance(seconds, dict) else seconds


def peers_of(records: list[Record]) -> dict[str, str]:
    """The titles of the peers that have results of some circuits."""
    return {key: title for key, title in PEERS.items() if key in records[0]}


def cell(found: Record) -> str:
    """Return two-qubit gates, all gates and depth."""
    return f"{found['two']} / {found['gates']} / {found['depth']}"


def circuit_table(records: list[Record], routed: bool) -> str:
    """Return a row for each circuit."""
    peers = peers_of(records)
    columns = [key for key in COLUMNS if key in records[0]]
    first = ["circuit", "qubits", *(["graph"] if routed else [])]
    heads = [*first, *(COLUMNS[key] for key in columns)]
    heads += ["seconds of qjit", *peers.values()]
    marks = "|".join(["---"] + ["---:"] * (len(heads) - 1))
    rows = [f"| {' | '.join(heads)} |", f"|{marks}|"]
    for each in records:
        cells = [each["circuit"], str(each["qubits"])]
        cells += [each["coupling"]] if routed else []
        cells += [cell(each[key]) for key in columns]
        cells += [f"{seconds_of(each[key]):.2g}" for key in ("ours", *peers)]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def ratio(records: list[Record], ours: str, what: str, peers: tuple[str, ...]) -> str:
    """Return the geometric mean of our number over the best peer's.

    Numbers are one more than they are, because some are 0.
    """
    logs = [
        log((each[ours][what] + 1) / (min(each[peer][what] for peer in peers) + 1))
        for each in records
    ]
    return f"{exp(fmean(logs)):.3f}"


def share(records: list[Record], ours: str) -> str:
    """Return of how many circuits none has fewer two-qubit gates."""
    best = sum(
        each[ours]["two"] <= min(each[peer]["two"] for peer in peers_of(records))
        for each in records
    )
    return f"{best} of {len(records)}"


def summary_table(records: list[Record]) -> str:
    """Return geometric means, and how often qjit is best or worse than the input."""
    groups = {
        "all to all": [each for each in records if not each["coupling"]],
        **{
            name: [each for each in records if each["coupling"] == name]
            for name in ("line", "grid", "heavy-hex")
        },
    }
    heads = ["graph", "start", *(f"{what}: ratio" for what in WHAT.values())]
    heads += [f"two-qubit gates: ratio to {title}" for title in PEERS.values()]
    heads += ["fewest two-qubit gates, or as few", "more of them than the input"]
    rows = [f"| {' | '.join(heads)} |", f"|---|---|{'---:|' * (len(heads) - 2)}"]
    for name, group in groups.items():
        if not group:
            continue
        for key, start in (("ours", "unknown"), ("zeros", "0…0")):
            cells = [name, start]
            peers = tuple(peers_of(group))
            # Catalyst leaves other gates on one qubit.
            for what in WHAT:
                rivals = [p for p in peers if what == "two" or p != "catalyst"]
                cells.append(ratio(group, key, what, tuple(rivals)))
            cells += [
                ratio(group, key, "two", (peer,)) if peer in peers else ""
                for peer in PEERS
            ]
            cells.append(share(group, key))
            worse = sum(each[key]["two"] > each["input"]["two"] for each in group)
            cells.append("" if name != "all to all" else str(worse))
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def t_table(records: list[Record]) -> str:
    """Return how many RZ are no Clifford gates, where all of them are T."""
    found = [each for each in records if each["circuit"] in ("Clifford+T", "adder")]
    columns = {key: title for key, title in COLUMNS.items() if key != "catalyst"}
    titles = columns.values()
    rows = [f"| T count of | {' | '.join(titles)} |", f"|---|{'---:|' * len(titles)}"]
    for each in found:
        if not each["coupling"]:
            cells = [f"{each['circuit']}, {each['qubits']} qubits"]
            cells += [str(each[key]["t"]) for key in columns]
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def pass_table(records: list[Record]) -> str:
    """Return the seconds of each pass per 1,000 gates of the input."""
    chosen = [each for each in records if not each["coupling"]]
    gates = sum(each["input"]["gates"] for each in chosen)
    names = chosen[0]["ours"]["seconds"]
    rows = ["| pass | seconds per 1,000 gates |", "|---|---:|"]
    totals = {
        name: sum(each["ours"]["seconds"].get(name, 0) for each in chosen)
        for name in names
    }
    for name, seconds in sorted(totals.items(), key=lambda item: -item[1]):
        rows.append(f"| `{name}` | {seconds / gates * 1000:.3f} |")
    return "\n".join(rows)


def program_table(records: list[Record]) -> str:
    """Return the gates of programs with control flow, and the time of the passes."""
    heads = "program | trips | gates in the IR before | after | milliseconds of passes"
    rows = [f"| {heads} |", "|---|---:|---:|---:|---:|"]
    for each in records:
        time = 1e3 * sum(each["seconds"].values())
        numbers = f"{each['before']} | {each['after']} | {time:.3g}"
        rows.append(f"| {each['program']} | {each['trips']:,} | {numbers} |")
    return "\n".join(rows)


def paragraph(text: str) -> str:
    """Return text in lines."""
    return fill(" ".join(text.split()), 88, break_on_hyphens=False)


def optimiser_sections(path: Path) -> str:
    """Return the sections, or nothing before anything was measured."""
    if not path.exists():
        return ""
    facts, *records = [json.loads(line) for line in path.read_text().splitlines()]
    circuits = [each for each in records if "circuit" in each]
    programs = [each for each in records if "program" in each]
    versions = ", ".join(
        f"{PEERS[name]} {version}" for name, version in facts["versions"].items()
    )
    direct = [each for each in circuits if not each["coupling"]]
    routed = [each for each in circuits if each["coupling"]]
    about = paragraph(
        f"""The passes of the pipeline `hardware:3`, beside {versions}. Each gets the
        same gates ([optimised_circuits.py](optimised_circuits.py)), and leaves RZ,
        SX, X and CNOT, but for Catalyst. Qiskit runs transpile at level 3, and
        pytket FullPeepholeOptimise, then CXMappingPass, KAKDecomposition,
        CliffordSimp and SynthesiseTket where there is a coupling graph. Catalyst,
        which does not route, takes what PennyLane decomposes to RX, RY, RZ, H, X
        and CNOT, and runs cancel_inverses, merge_rotations and, where that leaves
        fewer CNOTs, parity_synth; its gates on one qubit are others, so that only
        its two-qubit gates are in ratios. "input" is the circuit decomposed to
        these gates by qjit, and no more. Cells are two-qubit gates, all gates, and
        depth, which one function counts; global phases count nothing, and qubits
        may end on other wires. All results of at most 10 qubits were compared with
        the circuit on a random state. The passes of qjit use what they know of
        states: the column "from 0…0" is for circuits that begin in it, and "qjit"
        for any state, as the others are. Some circuits, such as the adder and the
        QFT, do little to 0…0, or nothing: few gates there say what is known of the
        state, not how well gates are optimised. All circuits end with the whole
        state. Ratios are geometric means of qjit's number over the best peer's,
        both plus one; less than 1 is better than both. Seconds are of passes alone,
        each circuit once, while other programs used the machine: trust orders of
        magnitude only; those of Catalyst are of all its compilation. Qiskit is
        Rust, pytket and Catalyst are C++, and qjit's passes are Python."""
    )
    structure = paragraph(
        """The same pipeline on programs with loops, measurements and branches: gates
        are counted in the IR, where the body of a loop is once, and the time does not
        depend on how often it runs."""
    )
    return f"""
## Passes: what is left of circuits

{about}

{summary_table(circuits)}

{circuit_table(direct, routed=False)}

{t_table(circuits)}

On coupling graphs (the heavy-hex graph has 18 qubits, the grid two rows):

{circuit_table(routed, routed=True)}

The time of `hardware:3` by pass, over all circuits without a coupling graph:

{pass_table(circuits)}

## Passes: programs with control flow

{structure}

{program_table(programs)}
"""
