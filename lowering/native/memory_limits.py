"""How much memory there is, and what a program says when that is not enough."""

import ctypes
import os
import re
import resource
from pathlib import Path

from qjit.runtime.abi.status import NO_MEMORY, Status

# What is left to other programs, as they may grow.
RESERVE = 1 << 29
# States below this size are allocated without asking.
LARGE = 1 << 28

_CONTROL_GROUPS = (
    ("memory.max", "memory.current", "memory.stat"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
    ),
)


def available_memory() -> int:
    """Return the bytes that this process may still take, others being left some."""
    root = Path("/sys/fs/cgroup")
    found = [_machine_memory()]
    for limit, used, stat in _CONTROL_GROUPS:
        try:
            free = int((root / limit).read_text()) - int((root / used).read_text())
            cached = re.search(r"\binactive_file (\d+)", (root / stat).read_text())
        except (OSError, ValueError):  # no such file, or "max"
            continue
        found.append(free + (int(cached[1]) if cached else 0))
    return min(max(0, min(found) - RESERVE), _address_space())


def _machine_memory() -> int:
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    found = re.search(r"MemAvailable:\s*(\d+) kB", text)
    return int(found[1]) << 10 if found else 1 << 62


def _address_space() -> int:
    """Return what the process's limit of addresses leaves, as `ulimit -v` sets it."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return 1 << 62
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return limit
    return limit - pages * resource.getpagesize()


def size_text(size: int) -> str:
    """Write a number of bytes for people.

    >>> size_text(3 << 30), size_text(1 << 43)
    ('3 GiB', '8 TiB')
    """
    for power, unit in ((40, "TiB"), (30, "GiB"), (20, "MiB")):
        if size >> power:
            return f"{size / (1 << power):.4g} {unit}"
    return f"{size} bytes"


def memory_text(status: Status) -> str:
    """Word the status of a program that has too little memory."""
    free = f"{size_text(available_memory())} of memory is available"
    if status.state is None:
        return f"the arrays of the program do not fit, and {free}."
    wires, each = status.state
    return (
        f"simulating {wires} wires needs {size_text(each << wires)}, but {free}. "
        "Use fewer wires, or complex64, which takes half the memory of complex128."
    )


@ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
def _is_short(place: int) -> int:
    wires, each = Status(NO_MEMORY, place).state or (0, 0)
    return int(each << wires > available_memory())


def memory_check_address() -> int:
    """Return the address of the function that native code asks before it allocates."""
    address = ctypes.cast(_is_short, ctypes.c_void_p).value
    assert address is not None
    return address


@ctypes.CFUNCTYPE(ctypes.c_int64)
def _budget() -> int:
    return available_memory() // 4


def memory_budget_address() -> int:
    """Return the address of the function that says how much may be kept to save time.

    A quarter of what is available: the rest is for what the program needs.
    """
    address = ctypes.cast(_budget, ctypes.c_void_p).value
    assert address is not None
    return address
