"""The routines of BLAS and LAPACK that SciPy ships: their symbols and addresses.

Programs name them by symbol, and the addresses are bound when a program is loaded.
"""

import ctypes
import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

PREFIX = "__scipy__"
# Calls a routine from several threads, see parallel_gemm.py.
SPLIT = "__qjit__split_"
# Sets how many threads OpenBLAS uses, and returns how many it used.
THREADS = "openblas_set_num_threads_local"
LIBRARIES = ("scipy.linalg.cython_blas", "scipy.linalg.cython_lapack")
LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}
SIZES = {letter: np.dtype(name).itemsize for name, letter in LETTERS.items()}


def routines_in(text: str, prefix: str = PREFIX) -> Iterable[str]:
    """Return the routines that a module of LLVM IR calls."""
    return dict.fromkeys(re.findall(rf'@"?{prefix}(\w+)', text))


@cache
def threads_address() -> int | None:
    """Return the address of what sets OpenBLAS's threads; None for another library."""
    library = ctypes.CDLL(import_module(LIBRARIES[0]).__file__)
    found: Any = getattr(library, THREADS, None)
    return found and ctypes.cast(found, ctypes.c_void_p).value


@cache
def routine_address(name: str) -> int:
    """Return the address of a routine among those that SciPy ships."""
    modules = map(import_module, LIBRARIES)
    capsules = (module.__pyx_capi__.get(name) for module in modules)
    capsule = next(filter(None, capsules))
    label = ctypes.pythonapi.PyCapsule_GetName
    label.restype, label.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return pointer(capsule, label(capsule))
