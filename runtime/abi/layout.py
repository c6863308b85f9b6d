"""The layout of gate schedules in memory: a fixed number of 32-bit words per gate."""

from enum import IntEnum

# Words of an entry: a gate of a schedule.
KERNEL, GATE, NUM_PARAMS, NUM_TARGETS, NUM_CONTROLS, WIRES, CONTROL_VALUES = range(7)
PARAMS, ADJOINT, STATE_A, STATE_B, LOCATION, ENTRY_WORDS = range(7, 13)


class Kernel(IntEnum):
    """The simulator loop that applies a gate; the last two stand on tapes only."""

    ONE = 0
    DIAGONAL = 1
    TWO_LEVEL = 2
    DENSE = 3
    PAULI_ROT = 4
    PREPARE = 5
    CHECKPOINT = 6


ONE, DIAGONAL, TWO_LEVEL, DENSE, PAULI_ROT, PREPARE, CHECKPOINT = Kernel
# Gates that are given by their matrices; an invertible one brings its inverse along.
UNITARY, INVERTIBLE = -1, -2

# The qubits of states from which on gates are composed, instead of run one by one.
COMPOSED_FROM = 11
