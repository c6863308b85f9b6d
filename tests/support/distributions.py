"""Whether samples are from a distribution."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from scipy.stats import chi2


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
