"""A shuffled epoch of files of this machine, by their paths."""

import os
from pathlib import Path

from torch.utils.data import DataLoader, Dataset
from training import BATCH, WORKERS, label_of, measure, tensors


class Files(Dataset):
    """Files below a folder."""

    def __init__(self, folder: str) -> None:
        self._paths = [
            f"{top}/{name}" for top, _, names in sorted(os.walk(folder)) for name in sorted(names)
        ]

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, at: int) -> object:
        path = self._paths[at]
        return tensors(Path(path).read_bytes(), label_of(path))


measure(lambda: DataLoader(Files(os.environ["DATA"]), BATCH, shuffle=True, num_workers=WORKERS))
