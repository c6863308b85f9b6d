"""Single runs of circuits, small and large."""

from collections.abc import Iterator
from functools import partial

from circuits import FAMILIES, one_qubit
from comparison import Ahead, Case, Table
from programs import in_single, or_identity, repeated, value

ROUNDS = {16: 9, 20: 5, 24: 2}


CALLS = Table(
    "What a call costs",
    "A warm call of a circuit of one gate on one qubit, from Python. The column of "
    "jax.jit is the identity: what JAX takes to call anything.",
    {
        "call": Case(
            "warm call, 1 qubit",
            or_identity(value(one_qubit)),
            peers=("jax", "catalyst", "default", "direct", "qulacs"),
            goals=(Ahead(0.5, "jax"), Ahead(5, "catalyst")),
            unlike=("jax",),
        )
    },
    ratio=("jax", "qjit"),
)


def _double() -> Iterator[tuple[str, Case]]:
    for name, (title, circuit) in FAMILIES.items():
        for wires, ratio in ((16, 3), (20, 4), (24, 8)):
            # At 24 qubits, the fastest at 20 that a core can run in a minute.
            others = ("catalyst", "qulacs", "aer") if wires <= 20 else ()
            yield (
                f"{name}-{wires}",
                Case(
                    f"{title}, {wires} qubits",
                    value(partial(circuit, wires)),
                    peers=("direct", *others),
                    goals=(Ahead(ratio),),
                    rounds=ROUNDS[wires],
                ),
            )


def _single() -> Iterator[tuple[str, Case]]:
    for name, (title, circuit) in FAMILIES.items():
        for wires in (16, 20, 24):
            yield (
                f"{name}-{wires}-complex64",
                Case(
                    f"{title}, {wires} qubits, complex64",
                    in_single(value(partial(circuit, wires))),
                    peers=("direct", "qsim", "qsim-angles"),
                    goals=(Ahead(2, "qsim"),),
                    rounds=ROUNDS[wires],
                    tolerance=1e-3,
                ),
            )


def _small() -> Iterator[tuple[str, Case]]:
    for name, (title, circuit) in FAMILIES.items():
        for wires, ratio, steps in (
            (4, 8, 200),
            (8, 4, 200),
            (10, 3, 100),
            (12, 3, 50),
        ):
            compiled = ("default", "tensorcircuit") if wires <= 8 else ()
            yield (
                f"{name}-{wires}-loop",
                Case(
                    f"{title}, {wires} qubits, in a loop",
                    repeated(partial(circuit, wires), steps),
                    peers=("catalyst", *compiled, "direct", "qulacs"),
                    goals=(Ahead(ratio),),
                    per="evaluation",
                    count=steps,
                    rounds=5,
                ),
            )


STATES = Table(
    "Large circuits",
    "A warm call of one circuit: the state from the start, and one expectation value, "
    "in complex128, at angles given at run time. At 24 qubits only the fastest peer "
    "takes part.",
    dict(_double()),
)
SINGLE = Table(
    "Large circuits in complex64",
    "As before, in complex64. qsim's circuits hold their angles: its first column is "
    "one circuit, built beforehand, at the fastest of fusing 2, 3 or 4 qubits; the "
    "second also builds the circuit, as a run at other angles must.",
    dict(_single()),
)
SMALL = Table(
    "Small circuits in a compiled loop",
    "Evaluations one after another, the angles of each following from the value "
    "before, so that none can be done in advance: a compiled loop in qjit, Catalyst, "
    "TensorCircuit and default.qubit (these two by jax.jit, up to 8 qubits: they take "
    "long to compile more), and a Python loop for Lightning and qulacs.",
    dict(_small()),
)
