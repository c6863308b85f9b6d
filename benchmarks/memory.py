"""The memory that large circuits and their derivatives take."""

from functools import partial

from circuits import ising_energy, layered, three_values
from comparison import AtMost, Case, Table
from programs import Build, gradient, jacobian, value

WIRES = 26


def _case(title: str, build: Build, bound: float, peers: tuple[str, ...] = ()) -> Case:
    return Case(
        f"memory, {title}, {WIRES} qubits",
        build,
        peers=peers,
        goals=(AtMost(bound),),
        action="memory",
        count=2**WIRES * 16,
        rounds=1,
        fresh=True,
    )


MEMORY = Table(
    "Memory",
    "The most that a process of its own has resident in a warm call, less what it had "
    "before the program was built, in state vectors (1 GiB): compiled code and results "
    "count. One layer of a hardware-efficient circuit; the peers take minutes for it.",
    {
        "memory-value": _case(
            "expectation value",
            value(partial(layered, WIRES, layers=1)),
            1.1,
            ("direct", "qulacs"),
        ),
        "memory-gradient": _case(
            "gradient of an Ising energy",
            gradient(partial(ising_energy, WIRES, 1)),
            2.2,
            ("catalyst",),
        ),
        "memory-jacobian": _case(
            "jacobian of three expectation values",
            jacobian(partial(three_values, WIRES, 1)),
            3.2,
        ),
    },
    quantity="states",
)
