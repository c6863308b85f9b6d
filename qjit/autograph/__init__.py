"""Python's control flow, converted so that traced values may decide it."""

from .conversion import converted as converted
from .conversion import disable_autograph as disable_autograph
from .operators import operators as operators
