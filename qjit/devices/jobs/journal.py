"""The journal of a job: a file that grows with every step that must not be forgotten.

Its first line is the job's text. Every other is a chunk as it is from then on, or says
that the job was cancelled. A line is on disk before a chunk is handed in, and another
as soon as the runtime has said what it calls it. Several processes may go on with one
job: each reads what others wrote before it hands in anything, under a lock.
"""

import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from qjit.errors import JobError
from qjit.lowering.jax_internals.tracing import user_line

from .handle import line

ENVIRONMENT = "QJIT_JOBS"


def default_path(job: str) -> Path | None:
    """Return where the journal of a job is, if `QJIT_JOBS` names a folder."""
    folder = os.environ.get(ENVIRONMENT)
    return Path(folder).expanduser() / f"{job}.jsonl" if folder else None


class Journal:
    """A file of lines of JSON, which several processes add to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = 0

    def create(self, record: Mapping[str, Any]) -> None:
        """Write the first line of a file that is not there yet."""
        text = f"{line(record)}\n".encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritten(error) from error
        try:
            # NOTE: only its owner reads what circuits somebody runs.
            number = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(text)
                _to_disk(file)
        except FileExistsError as error:
            raise JobError(
                f"{user_line()}: {self.path} exists already. A journal is of one job: "
                "choose another path, or go on with that job by qj.jobs.load(path)."
            ) from error
        except OSError as error:
            raise self._unwritten(error) from error
        self._read = len(text)

    def news(self) -> list[dict[str, Any]]:
        """Return the lines that were not read yet."""
        try:
            with self._locked("rb") as file:
                return self._news(file)
        except OSError as error:
            raise JobError(
                f"{user_line()}: the journal {self.path} cannot be read: {error}."
            ) from error

    @contextmanager
    def adding(self) -> Generator["Addition"]:
        """Lock the file, so that what is read there holds until something is added."""
        try:
            with self._locked("r+b") as file:
                addition = Addition(self._news(file))
                yield addition
                if addition.lines:
                    file.seek(self._read)
                    file.truncate()  # a line that a killed process left half written
                    for record in addition.lines:
                        file.write(f"{line(record)}\n".encode())
                    _to_disk(file)
                    self._read = file.tell()
        except OSError as error:
            raise self._unwritten(error) from error

    def _news(self, file: BinaryIO) -> list[dict[str, Any]]:
        file.seek(self._read)
        text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        try:
            records = [json.loads(each) for each in whole.splitlines()]
        except ValueError as error:
            raise JobError(
                f"{user_line()}: the journal {self.path} has a line that is no JSON: "
                f"{error}. Something else wrote to it: mend or remove that line."
            ) from error
        self._read += len(whole)
        return records

    @contextmanager
    def _locked(self, mode: str) -> Generator[Any]:
        with self.path.open(mode) as file:
            try:
                from fcntl import LOCK_EX, flock
            except ImportError:  # where files are not locked like this
                pass
            else:
                flock(file, LOCK_EX)
            yield file

    def _unwritten(self, error: OSError) -> JobError:
        return JobError(
            f"{user_line()}: the journal {self.path} cannot be written: {error}. Make "
            "room or choose another path; job.to_json() has the job as it is."
        )


class Addition:
    """What others wrote to a journal, and what is to be added."""

    def __init__(self, news: list[dict[str, Any]]) -> None:
        self.news = news
        self.lines: list[Mapping[str, Any]] = []


def _to_disk(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
