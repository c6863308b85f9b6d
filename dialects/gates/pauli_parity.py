"""The gates that bring the parity of a Pauli word to one qubit."""

# What takes a letter to Z.
TO_Z = {"X": "H", "Y": "SX"}


def parity_gates(word: str) -> tuple[list[tuple[str, tuple[int, ...]]], int]:
    """Return gates, by name and wires, after which Z of one wire is the word.

    Args:
        word: letters I, X, Y and Z, not all of them I.
    """
    *others, last = (wire for wire, letter in enumerate(word) if letter != "I")
    turned = [wire for wire in (*others, last) if word[wire] in TO_Z]
    made: list[tuple[str, tuple[int, ...]]] = [
        (TO_Z[word[wire]], (wire,)) for wire in turned
    ]
    return [*made, *(("CNOT", (wire, last)) for wire in others)], last
