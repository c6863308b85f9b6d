"""Python's control flow, converted so that traced values may decide it."""

from qjit.autograph.operators import operators as operators

from .conversion import converted as converted
from .conversion import disable_autograph as disable_autograph
