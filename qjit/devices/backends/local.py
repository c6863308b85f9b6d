"""Simulators on this machine: batches are run as they are handed in."""

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

import numpy as np

from qjit.lowering.native.memory_limits import LARGE, available_memory, size_text

from .protocol import BackendError, Limits, PartialResults, Payload, Status

KEPT_AFTER_READING = 64


@dataclass
class _Batch:
    bits: list[np.ndarray | None]
    reasons: dict[int, str]


class LocalBackend(ABC):
    """A simulator whose batches are done when `submit` returns.

    A circuit that it cannot run does not keep the others from running. Bits that were
    never read are kept; of those that were, the latest batches.
    """

    formats: tuple[str, ...] = ()
    limits = Limits()

    def __init__(self) -> None:
        self._unread: dict[str, _Batch] = {}
        self._read: OrderedDict[str, _Batch] = OrderedDict()
        self._lock = threading.Lock()

    @abstractmethod
    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        """Run one circuit, and return its bits or raise BackendError."""

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> str:
        """Run a batch; the circuits have seeds of their own, which follow from one."""
        if shots < 1:
            raise BackendError(f"shots must be positive, but are {shots}")
        for number, program in enumerate(programs):
            if program.format not in self.formats:
                raise BackendError(
                    f"circuit {number} is {program.format}, and {type(self).__name__} "
                    f"takes {', '.join(self.formats)}"
                )
        seeds = [None] * len(programs) if seed is None else _seeds(seed, len(programs))
        batch = _Batch([], {})
        for program, own_seed in zip(programs, seeds, strict=True):
            try:
                batch.bits.append(self.run(program, shots, own_seed))
            except BackendError as error:
                batch.reasons[len(batch.bits)] = str(error)
                batch.bits.append(None)
        token = uuid4().hex
        self._unread[token] = batch
        return token

    def status(self, token: str) -> Status:
        """Return DONE, or FAILED if no circuit of the batch could be run."""
        batch = self._find(token)
        all_failed = batch.reasons and len(batch.reasons) == len(batch.bits)
        return Status.FAILED if all_failed else Status.DONE

    def results(self, token: str) -> list[np.ndarray]:
        """Return the bits of each circuit, or raise PartialResults if some failed."""
        with self._lock:
            batch = self._find(token)
            if self._unread.pop(token, None) is not None:
                self._read[token] = batch
                while len(self._read) > KEPT_AFTER_READING:
                    self._read.popitem(last=False)
        if batch.reasons:
            raise PartialResults(batch.bits, batch.reasons)
        return [bits for bits in batch.bits if bits is not None]

    def cancel(self, token: str) -> None:
        """Do nothing: the batch has been run already."""
        self._find(token)

    def _find(self, token: str) -> _Batch:
        batch = self._unread.get(token) or self._read.get(token)
        if batch is None:
            raise BackendError(
                f"no batch {token!r} is kept: it was simulated by another process, or "
                "another backend, or read long ago"
            )
        return batch


def bits_of(rows: Sequence[Sequence[int]], program: Payload, shots: int) -> np.ndarray:
    """Return the bits of all shots as an array, or raise BackendError if some lack.

    Args:
        rows: the bits of each shot, in the order of the results.
        program: the circuit that they are of.
        shots: how many rows there should be.
    """
    if len(rows) != shots:
        raise BackendError(f"{len(rows)} of {shots} shots came back")
    for row in rows:
        if len(row) != program.num_bits:
            raise BackendError(
                f"the program recorded {len(row)} results in a shot, and "
                f"{program.num_bits} were expected"
            )
    return np.array(rows, np.uint8).reshape(shots, program.num_bits)


def check_memory(num_qubits: int, states: int) -> None:
    """Refuse state vectors that do not fit, where a simulator would end the process.

    Args:
        num_qubits: the qubits of each.
        states: how many there are at once.
    """
    size = states * 16 * 2**num_qubits
    if size >= LARGE and size > (available := available_memory()):
        raise BackendError(
            f"{states} state vectors of {num_qubits} qubits take {size_text(size)}, "
            f"and {size_text(available)} of memory is available"
        )


def _seeds(seed: int, count: int) -> list[int]:
    return [int(each) for each in np.random.SeedSequence(seed).generate_state(count)]
