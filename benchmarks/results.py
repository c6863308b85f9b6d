"""What was measured: one JSON line for the machine, and one for each case."""

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

from cases import CASES, TABLES


class Results:
    """The lines of results.jsonl; a case that is measured again replaces its line."""

    def __init__(self, path: Path) -> None:
        """Read what is there of this machine and of cases that still exist."""
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        records = [json.loads(line) for line in lines]
        facts = [record for record in records if "versions" in record]
        self.versions: dict[str, Any] = facts[0]["versions"] if facts else {}
        self.machine = machine()
        self.cases: dict[str, dict[str, Any]] = {
            record["case"]: record
            for record in records
            if record.get("case") in CASES and "date" in record
        }
        if facts and facts[0]["machine"] != self.machine:
            print("These results are of another machine, and are left out.")
            self.cases.clear()

    def add(self, record: dict[str, Any]) -> None:
        """Put in the record of a case, and write the file."""
        today = datetime.date.today().isoformat()
        load = round(os.getloadavg()[0], 1)
        self.cases[record["case"]] = {**record, "date": today, "load": load}
        self.write()

    def write(self) -> None:
        """Write the file, in the order of the tables."""
        facts = {"machine": self.machine, "versions": self.versions}
        records = [self.cases[name] for name in CASES if name in self.cases]
        lines = [json.dumps(record) for record in (facts, *records)]
        self.path.write_text("\n".join(lines) + "\n")

    def of(self, table: str) -> list[dict[str, Any]]:
        """Return the records of a table."""
        return [self.cases[name] for name in TABLES[table].cases if name in self.cases]


def text_counts(record: dict[str, Any], column: str, stage: str) -> dict[str, int]:
    """Return what was counted of a stage of a program's text, if it was."""
    return record["text"].get(column, {}).get(stage, {})


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
        "system": f"{platform.system()} with {' '.join(platform.libc_ver())}",
    }
