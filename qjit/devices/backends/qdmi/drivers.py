"""Drivers of QDMI that are known here, and where they are."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from qjit.devices.backends.protocol import BackendError
from qjit.errors import MissingPackageError

Order = Literal["first", "last"]


@dataclass(frozen=True)
class Driver:
    """What is known of a vendor's driver that QDMI does not ask drivers to tell.

    Args:
        package: the package that brings it.
        pattern: where it is in there.
        prefix: what its symbols begin with.
        order: which bit stands first in a key of its histograms; None if that depends
            on its version, and is found out by running a circuit, which costs nothing.
            IQM's joins bits in the order in which its server lists measurements.
        seed: the parameter of a job that sets the seed, if it has one.
        keeps_jobs: whether jobs are kept elsewhere, and found again by their IDs.
    """

    package: str
    pattern: str
    prefix: str
    order: Order | None
    seed: int | None
    keeps_jobs: bool


DRIVERS = {
    "ddsim": Driver(
        package="mqt.core",
        pattern="*/*mqt-core-qdmi-ddsim-device.*",
        prefix="MQT_DDSIM",
        order=None,
        seed=999999995,
        keeps_jobs=False,
    ),
    "iqm": Driver(
        package="iqm.qdmi",
        pattern="data/*/*iqm-qdmi-device.*",
        prefix="IQM",
        order="first",
        seed=None,
        keeps_jobs=True,
    ),
}
DISTRIBUTIONS = {"mqt.core": "mqt-core", "iqm.qdmi": "iqm-qdmi"}


def find(driver: Driver) -> str:
    """Return the path of a known driver, without importing the package it is in."""
    try:
        spec = find_spec(driver.package)
    except ModuleNotFoundError:
        spec = None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for found in sorted(Path(folder).glob(driver.pattern)):
            if found.suffix in (".so", ".dylib", ".dll"):
                return str(found)
    name = DISTRIBUTIONS[driver.package]
    raise MissingPackageError(
        f"the QDMI driver of prefix {driver.prefix!r} comes with the package {name!r}, "
        f"which is not installed. Use pip install {name}, or pip install 'qjit[qdmi]'."
    )


def known(library: str, prefix: str | None, order: Order | None) -> Driver:
    """Return what is known of a driver that the user has a path of."""
    if prefix is None:
        raise BackendError(
            f"QDMI library {library!r}: give the prefix of its symbols as prefix="
        )
    if order not in (None, "first", "last"):
        raise BackendError(f"order={order!r}: expected 'first' or 'last'")
    for driver in DRIVERS.values():
        if driver.prefix == prefix and order in (None, driver.order):
            return driver
    if order is None:
        raise BackendError(
            f"QDMI library {library!r}: give order='first' if bit 0 stands first in "
            "the keys of its results, or order='last'"
        )
    return Driver("", "", prefix, order, seed=None, keeps_jobs=True)
