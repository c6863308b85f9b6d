"""Derivatives, and training loops that are compiled whole."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from circuits import hydrogen, ising_energy, lithium_hydride
from comparison import Ahead, AtMost, Case, Table
from programs import gradient, training


def _trainings() -> Iterator[tuple[str, Case]]:
    for name, title, circuit, others in (
        ("h2", "VQE, H2, 4 qubits", hydrogen, ("default",)),
        *(
            (
                f"ising-{wires}",
                f"VQE, Ising, {wires} qubits, 2 layers",
                partial(ising_energy, wires, 2),
                ("default", "tensorcircuit"),
            )
            for wires in (4, 8)
        ),
    ):
        shared: dict[str, Any] = {"peers": ("catalyst", *others)}
        yield (
            f"vqe-{name}",
            Case(
                f"{title}, 100 steps",
                training(circuit),
                goals=(Ahead(10, "catalyst"), Ahead(2)),
                per="run",
                rounds=5,
                **shared,
            ),
        )
        yield (
            f"vqe-{name}-compile",
            Case(
                f"{title}, compiled and run",
                training(circuit),
                goals=(AtMost(0.5),),
                action="compile",
                per="program",
                rounds=3,
                **shared,
            ),
        )


def _gradients() -> Iterator[tuple[str, Case]]:
    for wires, ratio in ((4, 8), (8, 6), (12, 8), (16, 8), (20, 8)):
        compiled = ("default", "tensorcircuit") if wires <= 8 else ()
        yield (
            f"gradient-{wires}",
            Case(
                f"gradient, 5 layers, {wires} qubits",
                gradient(partial(ising_energy, wires, 5)),
                peers=("catalyst", "lightning", "qulacs", *compiled),
                goals=(Ahead(ratio),),
                rounds=9 if wires <= 12 else 5 if wires <= 16 else 3,
            ),
        )
    yield (
        "uccsd",
        Case(
            "gradient, UCCSD, LiH, 12 qubits",
            gradient(lithium_hydride),
            peers=("catalyst", "lightning", "qulacs"),
            goals=(Ahead(8),),
            rounds=5,
        ),
    )


TRAININGS = Table(
    "Training loops, compiled whole",
    "100 steps of gradient descent in one compiled program, and from the Python "
    "function to the first result. default.qubit and TensorCircuit are compiled by "
    "jax.jit, their circuits unrolled, in a loop of JAX, which is faster than if the "
    "steps were unrolled as well.",
    dict(_trainings()),
)
GRADIENTS = Table(
    "Gradients",
    "A warm call of all derivatives of an energy, in complex128. TensorCircuit and "
    "default.qubit take part where jax.jit compiles them within a minute.",
    dict(_gradients()),
)
