"""A shuffled epoch of a directory in a lake: `cold`, or `cached` by an epoch before."""

import os
import sys
from pathlib import Path

from training import BATCH, WORKERS, label_of, measure, tensors

from radops.data_lake import DataLake, Directory
from radops.integrations.torch import Loader, StreamDirectory


def decode(path: str, data: bytes) -> object:
    """Return a sample of a file."""
    return tensors(data, label_of(path))


def main(kind: str) -> None:
    """Measure one epoch."""
    lake = DataLake(home=Path(os.environ["W"]) / f"home-{os.getpid()}")
    with lake.use():

        def make(epoch: int = 0) -> Loader:
            stream = StreamDirectory(
                Directory("set/v1"), "**", decode, batch_size=BATCH, tail="uneven"
            )
            stream.set_epoch(epoch)
            return Loader(stream, num_workers=WORKERS)

        if kind == "cached":
            for _ in make():
                pass
        measure(lambda: make(1))


main(sys.argv[1])
