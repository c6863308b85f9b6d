"""What is written on gates and at measurements."""

from __future__ import annotations

from collections.abc import Sequence

from qjit.inspection.circuits.expressions import Expression, number_text
from qjit.inspection.circuits.tree import Circuit, Gate, Measure, Terminal, Wire


def parameters_text(params: Sequence[Expression], decimals: int | None) -> str:
    """Return parameters in parentheses; nothing for none, or without decimals."""
    if not params or decimals is None:
        return ""
    texts = [
        number_text(each.number, decimals)
        if each.number is not None
        else each.text(decimals)
        for each in params
    ]
    return f"({', '.join(texts)})"


def gate_text(gate: Gate, decimals: int | None) -> str:
    """Return what is written on a gate: its name without controls that are drawn."""
    drawn = bool(gate.controls) and not is_dynamic(gate)
    name = gate.base if drawn or gate.base == "U" else gate.name
    note = f"[{gate.note}]" if gate.note else ""
    dagger = "†" if gate.adjoint else ""
    found = f"{name}{dagger}{note}{parameters_text(gate.params, decimals)}"
    if is_dynamic(gate):
        wires = ", ".join(map(_wire_text, gate.wires))
        found += f" on {wires}"
    return found


def is_dynamic(gate: Gate) -> bool:
    """Tell whether some of a gate's wires are known at run time only."""
    return not all(isinstance(wire, int) for wire in gate.wires)


def _wire_text(wire: Wire) -> str:
    return str(wire) if isinstance(wire, int) else f"wires[{wire.text()}]"


def measure_text(node: Measure) -> str:
    """Return what is written on a measurement on the way."""
    chosen = "" if node.postselect is None else f"={node.postselect}"
    return f"M{chosen}{'→0' if node.reset else ''}"


def terminal_texts(node: Terminal, observable: str) -> list[str]:
    """Return what is written at each wire of a measurement at the end."""
    letters = node.letters or (observable,) * len(node.wires)
    match node.kind:
        case "expval":
            return [f"⟨{letter}⟩" for letter in letters]
        case "var":
            return [f"Var[{letter}]" for letter in letters]
        case _:
            return [node.kind.replace("_", " ")] * len(node.wires)


def observable_names(terminals: Sequence[Terminal]) -> dict[str, str]:
    """Return short names of the observables that are sums, by what they are."""
    sums = dict.fromkeys(each.observable for each in terminals if each.observable)
    return {text: "H" if len(sums) == 1 else f"H{n}" for n, text in enumerate(sums)}


def legend_lines(circuit: Circuit) -> list[str]:
    """Return what the names in a drawing mean, those of one meaning together."""
    names: dict[str, list[str]] = {}
    for name, meaning in circuit.legend.items():
        names.setdefault(meaning, []).append(name)
    return [
        f"{', '.join(each)} {meaning}"
        if len(each) == 1 or meaning[:1] == "="
        else f"{', '.join(each)}: each {meaning}"
        for meaning, each in names.items()
    ]
