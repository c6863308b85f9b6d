"""The layout of what is known of a device while programs run."""

# Words of a descriptor, of which there is one for each device that programs name: its
# table of functions, or the number of a class in Python, which is not 0; its
# configuration; whether it is in Python; the table of gates; and functions of the
# process, which take note of failures, ask for signals, and call what is in Python.
API, CONFIGURATION, IN_PYTHON, GATES, FAILED, POLL, CALL = range(7)
DESCRIPTOR_WORDS = 7

# Numbers of the table of gates, of which there are two rows for each gate of ours, the
# second for its adjoint: the gate's place among those of the device, how many of its
# controls are part of that, and whether the adjoint is meant; and the same of what
# the gate is under controls. Places of gates that the adapter carries out have names.
PLACE, OWN_CONTROLS, INVERTED, UNDER_CONTROLS, UNDER_INVERTED, GATE_NUMBERS = range(6)
NONE, SWAPS, TURNS = -1, -2, -3

# What a device fails for where it has no text, in the place of the text's address.
NO_TEXT, NO_GATE, NO_FUNCTION, NOT_EXACT = range(4)
