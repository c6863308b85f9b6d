"""Conversion of what single devices have: a file each, named after the device."""

from importlib import import_module
from pkgutil import iter_modules


def register_rules() -> None:
    """Import the files of all devices, which register their rules."""
    for module in iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
