"""How time grows with qubits, depth and batch, and what threads and steps are worth."""

from collections.abc import Iterator
from functools import partial

from circuits import FAMILIES, layered
from columns import VARIANTS
from comparison import Case, Table
from programs import batch, value


def _qubits() -> Iterator[tuple[str, Case]]:
    for wires in range(4, 25, 2):
        yield (
            f"qubits-{wires}",
            Case(
                f"{wires} qubits",
                value(partial(layered, wires)),
                peers=("direct", *(("catalyst", "qulacs") if wires <= 20 else ())),
                rounds=5 if wires <= 20 else 1,
                place=wires,
            ),
        )


def _depth() -> Iterator[tuple[str, Case]]:
    for layers in (1, 3, 10, 30, 100):
        yield (
            f"depth-{layers}",
            Case(
                f"{layers} layer{'s' * (layers > 1)}",
                value(partial(layered, 16, layers=layers)),
                peers=("catalyst", "direct"),
                rounds=5 if layers <= 10 else 3,
                place=layers,
            ),
        )


def _batch() -> Iterator[tuple[str, Case]]:
    for wires in (4, 8, 12):
        for entries in (1, 16, 256, 4096):
            compiled = ("default",) if wires == 4 else ()
            yield (
                f"batch-{wires}-{entries}",
                Case(
                    f"{wires} qubits, {entries} entr{'ies' if entries > 1 else 'y'}",
                    batch(partial(layered, wires), entries),
                    peers=("catalyst", *compiled, "direct"),
                    per="entry",
                    count=entries,
                    rounds=3,
                    place=entries,
                    curve=f"{wires} qubits",
                ),
            )


def _threads() -> Iterator[tuple[str, Case]]:
    for wires in (20, 22, 24):
        peers = ("qulacs", "qulacs-2", "aer", "aer-2") if wires == 20 else ()
        yield (
            f"threads-{wires}",
            Case(
                f"{wires} qubits",
                value(partial(layered, wires)),
                peers=("qjit-2", *peers, "passes", "passes-2"),
                unlike=("passes", "passes-2"),
                rounds=3,
            ),
        )


def _limits() -> Iterator[tuple[str, Case]]:
    for name, (title, circuit) in FAMILIES.items():
        for wires in (16, 20, 24):
            yield (
                f"limit-{name}-{wires}",
                Case(
                    f"{title}, {wires} qubits",
                    value(partial(circuit, wires)),
                    peers=("passes",),
                    rounds=5 if wires <= 20 else 2,
                    unlike=("passes",),
                ),
            )


VARIED = Table(
    "What each step of scheduling is worth",
    "qjit alone, with each step of its scheduling left out (`QJIT_WITHOUT`).",
    {
        f"varied-{name}": Case(
            f"{title}, 20 qubits",
            value(partial(circuit, 20)),
            peers=tuple(VARIANTS),
            rounds=3,
        )
        for name, (title, circuit) in FAMILIES.items()
    }
    | {
        "varied-batch": Case(
            "a batch of 1,024 circuits, 4 qubits",
            batch(partial(layered, 4), 1024),
            peers=tuple(VARIANTS),
            per="entry",
            count=1024,
            rounds=3,
        )
    },
    ratio=None,
)
LIMITS = Table(
    "Against the memory's limit",
    "The same large circuits, and how long their passes over memory take alone: an "
    "array as large as the state is multiplied in place, by NumPy, once for every "
    "stage. What is left is arithmetic, and traffic between caches.",
    dict(_limits()),
    ratio=("qjit", "passes"),
)
QUBITS = Table(
    "Time against qubits",
    "A warm call of a hardware-efficient circuit of 10 layers. At 22 and 24 qubits the "
    "fastest peer takes part.",
    dict(_qubits()),
    axis="qubits",
)
DEPTH = Table(
    "Time against depth",
    "A warm call of a hardware-efficient circuit on 16 qubits.",
    dict(_depth()),
    axis="layers",
)
BATCH = Table(
    "Time against batch",
    "`vmap` of a hardware-efficient circuit of 10 layers over many sets of angles, per "
    "set. Lightning is called once for each.",
    dict(_batch()),
    axis="entries",
)
THREADS = Table(
    "Threads",
    "A warm call of a hardware-efficient circuit of 10 layers, on one core and on two, "
    "and qjit's ratio. Lightning applies the gates of a state with one thread. Passes "
    "over memory are those of 'Against the memory's limit': what two cores gain there.",
    dict(_threads()),
    ratio=("qjit", "qjit-2"),
)
