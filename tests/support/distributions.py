"""Whether samples are from a distribution."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import chi2, chi2_contingency


def assert_distributed(bits: np.ndarray, expected: Mapping[str, float]) -> None:
    """Assert by a chi-square test that the rows of an array are from a distribution.

    Args:
        bits: the bits of each sample, a row each.
        expected: of each string of bits its probability; those left out have none.
    """
    counts = Counter("".join(map(str, row)) for row in bits.tolist())
    assert set(counts) <= {key for key, chance in expected.items() if chance > 0}
    statistic = sum(
        (counts[key] - chance * len(bits)) ** 2 / (chance * len(bits))
        for key, chance in expected.items()
        if chance > 0
    )
    assert statistic < chi2.ppf(1 - 1e-6, max(len(expected) - 1, 1)), counts


def assert_alike(bits: np.ndarray, others: np.ndarray) -> None:
    """Assert by a chi-square test that rows of two arrays have one distribution."""
    counts = [Counter(map(tuple, rows.tolist())) for rows in (bits, others)]
    keys = sorted(counts[0] | counts[1])
    table = np.array([[count[key] for key in keys] for count in counts])
    if len(keys) > 1:
        found: Any = chi2_contingency(table)
        assert found.pvalue > 1e-6, counts
