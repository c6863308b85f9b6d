"""The interface between compiled programs and the runtime."""

from pathlib import Path


def include_directory() -> str:
    """Return the folder of `qjit_device.h`, for a C compiler's option -I.

    >>> Path(include_directory(), "qjit_device.h").exists()
    True
    """
    return str(Path(__file__).parent)
