"""What was measured: one JSON line for the versions, and one for each case."""

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
        """Read what is there of cases that still exist."""
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        records = [json.loads(line) for line in lines]
        facts = [record for record in records if "versions" in record]
        self.versions: dict[str, Any] = facts[0]["versions"] if facts else {}
        self.cases: dict[str, dict[str, Any]] = {
            record["case"]: record
            for record in records
            if record.get("case") in CASES and "date" in record
        }

    def add(self, record: dict[str, Any]) -> None:
        """Put in the record of a case, and write the file.

        A table is of one machine: what it has of another one goes.
        """
        for other in self.of(record["table"]):
            if other["machine"] != MACHINE:
                del self.cases[other["case"]]
        self.cases[record["case"]] = {
            **record,
            "machine": MACHINE,
            "date": datetime.date.today().isoformat(),
            "load": round(os.getloadavg()[0], 1),
        }
        self.write()

    def write(self) -> None:
        """Write the file, in the order of the tables."""
        facts = {"versions": self.versions}
        records = [self.cases[name] for name in CASES if name in self.cases]
        lines = [json.dumps(record) for record in (facts, *records)]
        self.path.write_text("\n".join(lines) + "\n")

    def of(self, table: str) -> list[dict[str, Any]]:
        """Return the records of a table."""
        return [self.cases[name] for name in TABLES[table].cases if name in self.cases]


def text_counts(record: dict[str, Any], column: str, stage: str) -> dict[str, int]:
    """Return what was counted of a stage of a program's text, if it was."""
    return record["text"].get(column, {}).get(stage, {})


def machine() -> str:
    """Describe this machine."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    pairs = (line.partition(":") for line in lines)
    facts = {key.strip(): value.strip() for key, _, value in pairs}
    vectors = [name for name in ("avx512f", "avx2") if name in facts.get("flags", "")]
    family = f"{facts.get('cpu family', '?')}/{facts.get('model', '?')}"
    return (
        f"{facts.get('model name', platform.processor())} (family/model {family}), "
        f"{vectors[0] if vectors else platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.system()} with {' '.join(platform.libc_ver())}"
    )


MACHINE = machine()
