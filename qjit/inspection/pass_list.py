"""The passes by name, for people to look at."""

from collections.abc import Iterator, Mapping

from qjit.lowering.passes.pipeline import STEPS, Step


class PassList(Mapping[str, Step]):
    """The passes of the default pipeline in order: names, levels and meanings.

    >>> import qjit as qj
    >>> qj.passes["cancel-inverses"].level
    'quantum'
    >>> print(qj.passes["cancel-inverses"].meaning)
    Remove pairs of gates that undo one another on the same qubits.
    """

    def __getitem__(self, name: str) -> Step:
        return STEPS[name]

    def __iter__(self) -> Iterator[str]:
        return iter(STEPS)

    def __len__(self) -> int:
        return len(STEPS)

    def __repr__(self) -> str:
        rows = [(step.name, step.level, step.meaning) for step in STEPS.values()]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        return "\n".join(
            f"{name:{widths[0]}}  {level:{widths[1]}}  {meaning}"
            for name, level, meaning in rows
        )


passes = PassList()
