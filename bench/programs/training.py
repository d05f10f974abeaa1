"""What the programs of trainings share: measuring an epoch, and how well it is mixed."""

from __future__ import annotations

import json
import math
import os
import resource
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BATCH = 256
WORKERS = 2


def tensors(data: bytes, label: int) -> tuple[torch.Tensor, int]:
    """Return a sample as a model takes it; nothing is decoded, so that reading counts most."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8), label


def label_of(path: str) -> int:
    """Return the class of `.../d0012/f000345.bin`: each folder is one."""
    return int(path.split("/")[-2][1:])


class Clock:
    """Seconds of the clock since it was made; of the processors too, with those of ended workers."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._cpu = _cpu()
        self._took: float | None = None

    def stop(self) -> float:
        """Note the seconds, and return them; what comes later does not count.

        Those of the processors are then not known: workers that still run do not tell theirs.
        """
        self._took = time.perf_counter() - self._began
        return self._took

    def report(self, **facts: float) -> None:
        """Print what was measured, and what else is known, as the suite reads it."""
        if self._took is None:
            seconds = time.perf_counter() - self._began
            took = {"seconds": [seconds], "cpu": [_cpu() - self._cpu]}
        else:
            took = {"seconds": [self._took]}
        print(
            json.dumps({**took, "facts": {name.replace("_", " "): v for name, v in facts.items()}})
        )


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(make: Callable[[], Iterable[tuple[torch.Tensor, Any]]]) -> None:
    """Measure one epoch, from making what yields its batches to the last one.

    Prints also how many classes a batch has, relative to drawing every sample at random.

    Args:
        make: Returns batches of tensors and classes.
    """
    files = Counter(
        label_of(f"{folder}/{name}")
        for folder, _, names in os.walk(os.environ["DATA"])
        for name in names
    )
    samples = sum(files.values())
    clock = Clock()
    read, size, distinct = 0, 0, []
    for data, labels in make():
        read += len(labels)
        size += data.numel()
        if len(labels) == BATCH:
            distinct.append(len(set(labels.tolist())))
    # Some fill the last batches up, some leave samples out.
    if abs(read - samples) >= BATCH * WORKERS or size != read * data.shape[1]:
        raise SystemExit(f"{read} of {samples} samples were read, {size} bytes")
    uniform = sum(1 - _without(samples, one, BATCH) for one in files.values())
    clock.report(mixing=sum(distinct) / len(distinct) / uniform)


def _without(samples: int, size: int, batch: int) -> float:
    """Return the probability that a batch has none of a class."""
    terms = (samples - size + 1, samples - batch + 1, samples + 1, samples - size - batch + 1)
    first, second, third, fourth = (math.lgamma(term) for term in terms)
    return math.exp(first + second - third - fourth)
