"""Quantum functions as they are for another device than their own."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from .device import Device

_move: ContextVar[Callable[[Device], Device] | None] = ContextVar("move", default=None)


@contextmanager
def on_other_devices(move: Callable[[Device], Device]) -> Generator[None]:
    """Trace quantum functions for the devices that a function returns of theirs."""
    token = _move.set(move)
    try:
        yield
    finally:
        _move.reset(token)


def moved(device: Device) -> Device:
    """Return the device that a quantum function of this one is traced for."""
    move = _move.get()
    return device if move is None else move(device)
