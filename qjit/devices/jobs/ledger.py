"""What a batch writes down of its chunks, and learns from other processes."""

from collections.abc import Mapping
from threading import RLock
from typing import Any, Protocol

from .chunks import Chunk
from .handle import read_chunk, written_chunk
from .journal import Journal


class Ledger(Protocol):
    """A place in which the chunks of a batch are written down."""

    def claim(self, chunk: Chunk) -> bool:
        """Write what a chunk is now, unless others wrote of it; tell whether."""
        ...

    def write(self, chunk: Chunk) -> None:
        """Write what a chunk is now."""
        ...

    def news(self) -> list[Chunk]:
        """Return the chunks that others wrote since this was asked."""
        ...

    def stopped(self) -> bool:
        """Tell whether others cancelled the job."""
        ...


class NoLedger:
    """No place: what is known is known to this process."""

    def claim(self, chunk: Chunk) -> bool:
        """Allow it: there are no others."""
        return True

    def write(self, chunk: Chunk) -> None:
        """Do nothing."""

    def news(self) -> list[Chunk]:
        """Return nothing."""
        return []

    def stopped(self) -> bool:
        """Deny it."""
        return False


class JobLedger:
    """The journal of a job, shared by its batches."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.stopped = False
        self.lock = RLock()
        self._news: dict[int, list[Chunk]] = {}

    def stop(self, stopped: bool) -> None:
        """Write that the job was cancelled, or that it goes on after all."""
        with self.lock, self.journal.adding() as addition:
            self.take(addition.news)
            addition.lines.append({"stopped": stopped})
            self.stopped = stopped

    def take(self, records: list[dict[str, Any]]) -> None:
        """Keep what others wrote for the batches that it is about."""
        for record in records:
            self.stopped = record.get("stopped", self.stopped)
            if "chunk" in record:
                chunk = read_chunk(record["chunk"])
                self._news.setdefault(record["batch"], []).append(chunk)

    def pending(self, number: int) -> list[Chunk]:
        """Return what was kept for a batch."""
        return self._news.get(number, [])

    def taken(self, number: int) -> list[Chunk]:
        """Return what was kept for a batch, once."""
        return self._news.pop(number, [])

    def news(self, number: int) -> list[Chunk]:
        """Return what others wrote about a batch, once."""
        with self.lock:
            self.take(self.journal.news())
            return self.taken(number)


class BatchLedger:
    """The journal of a job, for one of its batches."""

    def __init__(self, ledger: JobLedger, number: int) -> None:
        self._ledger, self._number = ledger, number

    def claim(self, chunk: Chunk) -> bool:
        """Write what a chunk is now, unless others wrote of it; tell whether."""
        ledger = self._ledger
        with ledger.lock, ledger.journal.adding() as addition:
            ledger.take(addition.news)
            known = any(each.id == chunk.id for each in ledger.pending(self._number))
            if known or ledger.stopped:
                return False
            addition.lines.append(self._record(chunk))
        return True

    def write(self, chunk: Chunk) -> None:
        """Write what a chunk is now."""
        ledger = self._ledger
        with ledger.lock, ledger.journal.adding() as addition:
            ledger.take(addition.news)
            addition.lines.append(self._record(chunk))

    def news(self) -> list[Chunk]:
        """Return the chunks that others wrote since this was asked."""
        return self._ledger.news(self._number)

    def stopped(self) -> bool:
        """Tell whether others cancelled the job."""
        return self._ledger.stopped

    def _record(self, chunk: Chunk) -> Mapping[str, Any]:
        return {"batch": self._number, "chunk": written_chunk(chunk, results=False)}
