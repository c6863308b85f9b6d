"""Descriptions of QDMI devices: their qubits, coupling and operations, as they say."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .library import NOT_IMPLEMENTED, NOT_SUPPORTED, CodeError, Session, text

# Numbers of properties, as constants.h of QDMI 1.4 has them.
NAME, VERSION, LIBRARY_VERSION, QUBITS_NUMBER = 0, 1, 3, 4
SITES, OPERATIONS, COUPLING_MAP, DURATION_UNIT, DURATION_SCALE = 5, 6, 7, 12, 13
PROGRAM_FORMATS = 15
SITE_INDEX, SITE_T1, SITE_T2, SITE_NAME = range(4)
OPERATION_NAME, OPERATION_QUBITS, OPERATION_PARAMETERS = range(3)
OPERATION_DURATION, OPERATION_FIDELITY, OPERATION_SITES = 3, 4, 9

_Answer = TypeVar("_Answer")

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12}


@dataclass(frozen=True)
class Site:
    """A place of a qubit; times are in seconds, and None where a device tells none."""

    index: int
    name: str | None
    t1: float | None
    t2: float | None


@dataclass(frozen=True)
class Operation:
    """An operation; what differs from place to place is by the indices of its sites."""

    name: str
    num_qubits: int | None
    num_parameters: int | None
    sites: tuple[tuple[int, ...], ...]
    durations: Mapping[tuple[int, ...], float]
    fidelities: Mapping[tuple[int, ...], float]


@dataclass(frozen=True)
class Description:
    """What a device says of itself.

    Durations and fidelities of an operation that are the same everywhere stand for
    `()`; coupling is None where all pairs of qubits are.
    """

    name: str
    version: str
    qdmi: str
    num_qubits: int
    sites: tuple[Site, ...]
    coupling: tuple[tuple[int, int], ...] | None
    operations: tuple[Operation, ...]


def describe(session: Session) -> Description:
    """Return what the device of a session says of itself."""
    sites = _numbers(session.device(SITES), "Q")
    indices = {site: _integer(session.site(site, SITE_INDEX)) for site in sites}
    second = _seconds(session)
    pairs = _optional(lambda: _numbers(session.device(COUPLING_MAP), "Q"))
    coupling = None if pairs is None else _tuples([indices[s] for s in pairs], 2)
    operations = _optional(lambda: _numbers(session.device(OPERATIONS), "Q")) or []
    return Description(
        name=text(session.device(NAME)),
        version=text(session.device(VERSION)),
        qdmi=text(session.device(LIBRARY_VERSION)),
        num_qubits=_integer(session.device(QUBITS_NUMBER)),
        sites=tuple(_site(session, site, indices[site], second) for site in sites),
        coupling=None if coupling is None else tuple((a, b) for a, b in coupling),
        operations=tuple(_operation(session, o, indices, second) for o in operations),
    )


def program_formats(session: Session) -> list[int]:
    """Return the formats of programs that a device takes, as QDMI numbers them."""
    return _numbers(session.device(PROGRAM_FORMATS), "i")


def _site(session: Session, site: int, index: int, second: float | None) -> Site:
    def time(prop: int) -> float | None:
        raw = _optional(lambda: _integer(session.site(site, prop)))
        return None if raw is None or second is None else raw * second

    return Site(
        index,
        _optional(lambda: text(session.site(site, SITE_NAME))),
        time(SITE_T1),
        time(SITE_T2),
    )


def _operation(
    session: Session, operation: int, indices: Mapping[int, int], second: float | None
) -> Operation:
    def ask(prop: int, at: tuple[int, ...] = ()) -> bytes | None:
        return _optional(lambda: session.operation(operation, at, prop))

    def ask_everywhere(
        prop: int, kind: str, unit: float
    ) -> dict[tuple[int, ...], float]:
        found: dict[tuple[int, ...], float] = {}
        for at in [(), *places]:
            if data := ask(prop, at):
                (value,) = struct.unpack(kind, data)
                found[tuple(indices[site] for site in at)] = value * unit
        return found

    qubits = _optional_integer(ask(OPERATION_QUBITS))
    listed = _numbers(ask(OPERATION_SITES) or b"", "Q")
    places = _tuples(listed, qubits or 1)
    return Operation(
        name=text(session.operation(operation, (), OPERATION_NAME)),
        num_qubits=qubits,
        num_parameters=_optional_integer(ask(OPERATION_PARAMETERS)),
        sites=tuple(tuple(indices[site] for site in at) for at in places),
        durations=ask_everywhere(OPERATION_DURATION, "Q", second) if second else {},
        fidelities=ask_everywhere(OPERATION_FIDELITY, "d", 1.0),
    )


def _seconds(session: Session) -> float | None:
    """Return how many seconds a duration of 1 is, or None for an unknown unit."""
    unit = _optional(lambda: text(session.device(DURATION_UNIT)))
    scale = _optional(lambda: struct.unpack("d", session.device(DURATION_SCALE))[0])
    known = SECONDS.get(unit or "")
    return None if known is None else known * (1.0 if scale is None else scale)


def _optional(ask: Callable[[], _Answer]) -> _Answer | None:
    """Return an answer, or None if the device does not give it."""
    try:
        return ask()
    except CodeError as error:
        if error.code in (NOT_IMPLEMENTED, NOT_SUPPORTED):
            return None
        raise


def _numbers(data: bytes, kind: str) -> list[int]:
    return list(struct.unpack(f"{len(data) // struct.calcsize(kind)}{kind}", data))


def _integer(data: bytes) -> int:
    return struct.unpack("Q", data)[0]


def _optional_integer(data: bytes | None) -> int | None:
    return _integer(data) if data else None


def _tuples(numbers: list[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(numbers[k : k + size]) for k in range(0, len(numbers), size)]
