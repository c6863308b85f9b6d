"""Shots: many samples of a large circuit, and circuits that measure on the way."""

from functools import partial
from typing import Any

import numpy as np
from circuits import measured, sampled, teleport
from comparison import Ahead, Case, Table
from programs import value


def ones(samples: np.ndarray) -> Any:
    """Return how often each wire was found in one."""
    return samples.mean(axis=0)


SAMPLING = Table(
    "Samples",
    "A million samples of 20 qubits, each framework in its own form of samples; and "
    "circuits with measurements on the way whose outcomes decide on later gates, each "
    "estimated from 1,000 shots.",
    {
        "sample-20": Case(
            "hardware-efficient, 20 qubits, 1,000,000 samples",
            value(partial(sampled, 20, 1_000_000)),
            peers=("catalyst", "direct", "qulacs", "aer"),
            goals=(Ahead(3),),
            rounds=3,
            tolerance=0.0043,
            summary=ones,
        ),
        "teleport": Case(
            "10 teleportations, 1,000 shots",
            value(teleport),
            peers=("catalyst", "aer"),
            goals=(Ahead(10),),
            rounds=5,
            tolerance=0.27,
        ),
        "measured": Case(
            "10 measured layers, 10 qubits, 1,000 shots",
            value(measured),
            peers=("catalyst", "aer"),
            goals=(Ahead(10),),
            rounds=5,
            tolerance=0.27,
        ),
    },
)
