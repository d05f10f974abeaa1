"""Stream a directory of very many files: `first` batch, or `resume` in the middle of an epoch.

PyTorch and radops are imported before the clock runs. The first batch counts from making the data
set; going on counts from loading the state into a loader that was made.
"""

import itertools
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from torch.utils.data import DataLoader, IterableDataset
from training import BATCH, Clock

from radops.data_lake import DataLake, Directory
from radops.integrations.torch import Loader, StreamDirectory

# One sample in so many tells the memory: to find it out takes milliseconds.
EVERY = 997
# Batches that are looked at.
BATCHES = 41
numbers = itertools.count(1)


def decode(path: str, data: bytes) -> tuple[str, int]:
    """Return the path of a file, and of some how much memory the worker has for itself now."""
    if next(numbers) % EVERY:
        return path, 0
    found = Path("/proc/self/smaps_rollup").read_text()
    return path, 1024 * sum(int(kib) for kib in re.findall(r"Private_\w+: +(\d+)", found))


class Nothing(IterableDataset):
    """As many samples, made without reading anything: what a worker of PyTorch needs by itself."""

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return (decode("", b"") for _ in range(BATCHES * BATCH))


def stream() -> StreamDirectory:
    """Return the stream that is measured."""
    return StreamDirectory(Directory("set/v1"), "**", decode, batch_size=BATCH)


def first() -> None:
    """Measure from making the stream to the first batch, and the memory of its worker."""
    clock = Clock()
    batches = iter(Loader(stream(), num_workers=1))
    batch = next(batches)
    clock.stop()
    worker = _most_memory(itertools.chain([batch], batches))
    empty = _most_memory(iter(DataLoader(Nothing(), BATCH, num_workers=1)))
    clock.report(worker_MB=(worker - empty) / 1e6, empty_worker_MB=empty / 1e6)


def _most_memory(batches: Iterator[tuple[list[str], object]]) -> int:
    """Return the most bytes that the worker of a loader had for itself."""
    found = max(max(sizes.tolist()) for _, sizes in itertools.islice(batches, BATCHES))
    if not found:
        raise SystemExit("no sample told the memory")
    return found


def resume(home: Path) -> None:
    """Measure from loading a state to the first batch; the samples must be those that follow.

    Args:
        home: Of this machine, which has nothing of the lake. The state was saved on another one.
    """
    with DataLake(home=home.with_name(f"{home.name}-before")).use():
        before = stream()
        state = Loader(before).state_dict()
        state["consumed"] = before.samples * 37 // 100 // BATCH * BATCH
        end = state["consumed"] + BATCHES * BATCH
        expected = list(before.names(state["epoch"], state["consumed"], end))
    making = Clock()
    loader = Loader(stream(), num_workers=1)
    made = making.stop()
    clock = Clock()
    loader.load_state_dict(state)
    batches = iter(loader)
    paths = list(next(batches)[0])
    clock.stop()
    for later, _ in itertools.islice(batches, BATCHES - 1):
        paths += later
    if paths != expected:
        raise SystemExit("error: other samples than those after the state")
    clock.report(identical_ids=1.0, making_the_stream_s=made)


def main(kind: str) -> None:
    """Measure one of both, on a machine that has nothing of the lake."""
    home = Path(os.environ["W"]) / f"home-{os.getpid()}"
    with DataLake(home=home).use():
        if kind == "resume":
            resume(home)
        else:
            first()


main(sys.argv[1])
