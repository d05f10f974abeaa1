"""How well an order mixes classes, beside drawing every sample at random."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from radops.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


def distinct_per_batch(labels: Sequence[Hashable], batch_size: int) -> float:
    """Return how many classes a batch has on average if it is drawn without replacement.

    Args:
        labels: The class of every sample.
        batch_size: Samples of a batch.
    """
    samples = len(labels)
    if not 0 < batch_size <= samples:
        raise UsageError(f"no batch of {batch_size} can be drawn from {samples} samples")
    return sum(1 - _missing(samples, size, batch_size) for size in Counter(labels).values())


def _missing(samples: int, size: int, batch: int) -> float:
    """Return the probability that a batch has none of the `size` samples of a class."""
    if batch > samples - size:
        return 0.0
    # C(samples - size, batch) / C(samples, batch), whose terms are too large for a float.
    return math.exp(
        math.lgamma(samples - size + 1)
        - math.lgamma(samples - size - batch + 1)
        - math.lgamma(samples + 1)
        + math.lgamma(samples - batch + 1)
    )
