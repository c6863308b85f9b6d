"""The status word of native functions: a code, and the place where it arose.

Zero is success. The lowest 8 bits are the code; those above are the place, which is the
number of a line of the program's. Where a loop over a batch failed, the place holds the
iteration as well, counted from one. Where a device failed, it holds the number of the
device's text instead. Without memory for a state, it says how large that would have
been. Where an exception of Python's ended a program, the place is its
address.
"""

from typing import NamedTuple

PLACE_SHIFT = 8
ITERATION_SHIFT = 24  # within the place
MOST_ITERATIONS = (1 << 20) - 1
# Marks the place of a state that there is no memory for.
_STATE = 1 << 47
# A place that is no line
UNKNOWN = 1 << 32


# Codes. From CHECKED on they are of checks, which bring messages of their own.
WIRE_RANGE, WIRE_REPEATED, NOT_FINITE, NOT_UNITARY, NOT_NORMALISED = range(1, 6)
NO_MEMORY, IMPOSSIBLE, TOO_DEEP, DEVICE_FAILED, NEVER_SEEN = range(6, 11)
CHECKED, INTERRUPTED, HOST_ERROR = 16, 254, 255

MESSAGES = {
    WIRE_RANGE: "a wire that was computed is out of range. Wires count from 0 to "
    "wires - 1.",
    WIRE_REPEATED: "wires that were computed repeat a wire. The wires of one "
    "operation must be distinct.",
    NOT_FINITE: "a parameter is NaN or infinite. Angles, matrices and amplitudes "
    "must be finite; check what they are computed from.",
    NOT_UNITARY: "the matrix is not unitary. Its product with its conjugate "
    "transpose must be the identity, up to rounding.",
    NOT_NORMALISED: "the state is not normalised. Divide it by its norm, or pass "
    "normalize=True.",
    IMPOSSIBLE: "the outcome that was postselected has probability zero. "
    "Postselect on an outcome that can occur.",
    NEVER_SEEN: "the outcome that was postselected did not occur in 65536 shots of the "
    "device, one after another. Postselect on an outcome that occurs more often.",
    TOO_DEEP: "more than 64 uncertain measurements follow one another, too many to "
    "average over all outcomes. Give shots to the quantum function.",
}


class Status(NamedTuple):
    """A status word, taken apart: see the module."""

    code: int
    place: int = 0

    @property
    def word(self) -> int:
        """The word."""
        return self.code | self.place << PLACE_SHIFT

    @classmethod
    def of(cls, word: int) -> "Status":
        """Take a word apart."""
        return cls(word & (1 << PLACE_SHIFT) - 1, word >> PLACE_SHIFT)

    @property
    def line(self) -> int:
        """The number of the line."""
        if self.code == NO_MEMORY:
            return (self.place ^ _STATE) >> 16 if self.place & _STATE else self.place
        if self.code >= CHECKED:
            return self.place
        return self.place & (1 << ITERATION_SHIFT) - 1

    @property
    def iteration(self) -> int | None:
        """The iteration that failed, counted from zero."""
        if self.code in (NO_MEMORY, DEVICE_FAILED) or self.code >= CHECKED:
            return None
        counted = self.place >> ITERATION_SHIFT
        return counted - 1 if counted else None

    @property
    def text_number(self) -> int:
        """The number of the text of a device that failed."""
        return self.place >> ITERATION_SHIFT

    @property
    def state(self) -> tuple[int, int] | None:
        """The wires and bytes per amplitude of a state that there is no memory for."""
        if self.code != NO_MEMORY or not self.place & _STATE:
            return None
        return self.place & 255, self.place >> 8 & 255


def state_place(num_wires: int, bytes_per_amplitude: int, line: int = 0) -> int:
    """Return the place of a status that says that a state does not fit."""
    return num_wires | bytes_per_amplitude << 8 | line << 16 | _STATE


# The status of arrays that there is no memory for.
ALLOCATION_FAILED = Status(NO_MEMORY, UNKNOWN).word
