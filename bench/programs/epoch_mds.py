"""A shuffled epoch of shards of mosaicml-streaming in the bucket: `cold`, or `cached`."""

import os
import sys
from pathlib import Path

from streaming import StreamingDataset
from torch.utils.data import DataLoader
from training import BATCH, WORKERS, measure, tensors

os.environ["S3_ENDPOINT_URL"] = os.environ["S3"]


class Samples(StreamingDataset):
    """Samples as a model takes them."""

    def __getitem__(self, at: int) -> object:
        sample = super().__getitem__(at)
        return tensors(sample["data"], sample["label"])


def make() -> DataLoader:
    """Return the batches."""
    dataset = Samples(
        remote=f"s3://{os.environ['BUCKET']}/mds",
        local=str(Path(os.environ["W"]) / f"mds-{os.getpid()}"),
        shuffle=True,
        batch_size=BATCH,
    )
    return DataLoader(dataset, batch_size=BATCH, num_workers=WORKERS)


if sys.argv[1] == "cached":
    for _ in make():
        pass
measure(make)
