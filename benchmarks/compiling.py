"""The time before the first result: compiling, and finding what is compiled."""

from collections.abc import Iterator
from functools import partial

from circuits import hydrogen, layered, lithium_hydride, random_gates
from classical import adam
from columns import EARLIER
from comparison import AtMost, Case, Framework, Program, Table
from programs import Build, gradient, or_identity, training, value


def random_circuit(
    gates: int, differentiate: bool, framework: Framework, seed: int
) -> Program:
    """Build random gates, other ones in every round, or their gradient."""
    of = gradient if differentiate else value
    return of(lambda framework: random_gates(gates, framework, seed))(framework, seed)


def _compiling() -> Iterator[tuple[str, Case]]:
    for what in ("circuit", "gradient"):
        for gates, seconds in ((99, 0.1), (990, 0.5), (9990, 4)):
            yield (
                f"compile-{what}-{gates}",
                Case(
                    f"compile, {what}, {gates} gates, 10 qubits",
                    partial(random_circuit, gates, what == "gradient"),
                    # The gradient of most gates is left to qjit.
                    peers=("catalyst",) if what == "circuit" or gates < 1000 else (),
                    goals=(AtMost(seconds),),
                    action="compile",
                    per="compile",
                    rounds=1 if gates > 1000 else 3,
                    first=gates < 1000,
                    place=gates,
                    curve=what,
                    describe=True,
                ),
            )


def _second() -> Iterator[tuple[str, Case]]:
    for name, title, build in (
        (
            "hea",
            "hardware-efficient, 10 layers, 10 qubits",
            value(partial(layered, 10)),
        ),
        ("990", "random circuit, 990 gates", partial(random_circuit, 990, False)),
        ("vqe", "VQE, H2, 100 steps", training(hydrogen)),
        ("adam", "optax Adam, 1,000 parameters", adam),
    ):
        quantum = () if name == "adam" else ("catalyst",)
        yield (
            f"second-{name}",
            Case(
                f"second process, {title}, after tracing",
                or_identity(same(build)),
                peers=("jax",),
                goals=(AtMost(0.05),),
                unlike=("jax",),
                action="start",
                per="first result",
                rounds=5,
                fresh=True,
            ),
        )
        yield (
            f"second-{name}-whole",
            Case(
                f"second process, {title}, with tracing",
                same(build),
                peers=("jax", "catalyst") if name == "adam" else quantum,
                action="compile",
                per="first result",
                rounds=3,
                fresh=True,
            ),
        )


def bell(framework: Framework, _: int) -> Program:
    """Build the probabilities of a Bell pair."""
    ops = framework.ops

    @framework.qnode(2)
    def circuit(angle):
        ops.RX(angle, wires=0)
        ops.CNOT(wires=[0, 1])
        return ops.probs(wires=[0, 1])

    return framework.jit(circuit), (0.5,)


def _first() -> Iterator[tuple[str, Case]]:
    for name, title, build in (
        ("bell", "Bell pair", bell),
        ("vqe", "VQE, H2, 100 steps", training(hydrogen)),
        ("lih", "VQE, LiH, 100 steps", training(lithium_hydride)),
    ):
        yield (
            f"first-{name}",
            Case(
                f"first process, {title}",
                same(build),
                peers=("catalyst", *["earlier"] * bool(EARLIER)),
                goals=(AtMost(2),),
                action="compile",
                per="first result",
                rounds=3,
                fresh=True,
                empty=True,
            ),
        )


def same(build: Build) -> Build:
    """Build the same program in every round."""
    return lambda framework, _: build(framework, 0)


COMPILING = Table(
    "Compile time",
    "From the Python function to the first result, of random gates without a structure "
    "to find, other ones in every round. The text of the program is what is imported "
    "from JAX, and what is left of it after all passes.",
    dict(_compiling()),
    axis="gates",
)
FIRST = Table(
    "The first result on a machine",
    "From the Python function on, in a process whose cache is empty: what a program "
    "needs of the simulator is compiled as well. The earlier version is the one that "
    "QJIT_EARLIER names, here commit 3a334a1.",
    dict(_first()),
)
SECOND = Table(
    "The first result in a second process",
    "A process that runs what an earlier one has compiled, with qjit's cache on disk. "
    "After tracing: finding and linking the program, and JAX's own part up to the "
    "first result; for jax.jit, that of the identity, which is JAX's part alone. With "
    "tracing: from the Python function on, in a process in which nothing has run "
    "before; the peers keep nothing by themselves, and compile.",
    dict(_second()),
)
