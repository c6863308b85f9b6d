"""The executable definition of the IR, in numpy: slow and obvious."""

from .quantum import run_module as run_module
