"""Names of gates and of their adjoints, as users and options write them."""

START, END = "adjoint(", ")"


def spelled(name: str, adjoint: bool) -> str:
    """Return how a gate, or its adjoint, is written.

    >>> spelled("S", adjoint=True)
    'adjoint(S)'
    """
    return f"{START}{name}{END}" if adjoint else name


def read_spelling(text: str) -> tuple[str, bool]:
    """Return the name of a gate that is written, and whether it is the adjoint.

    >>> read_spelling("adjoint(S)")
    ('S', True)
    """
    if text.startswith(START) and text.endswith(END):
        return text[len(START) : -len(END)], True
    return text, False
