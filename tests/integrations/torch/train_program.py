"""Reads batches of a stream, in a process that a test can kill or that is one of several.

train_program.py HOME REMOTE OUT WORKERS [STATE]: appends to OUT, for each batch, a line of JSON
with its paths and the state after it. With MASTER_FILE in the environment, it is one of
WORLD_SIZE processes that meet there by gloo.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from torch import distributed

from radops.data_lake import DataLake, Directory
from radops.integrations.torch import Loader, StreamDirectory

ARGUMENTS = {
    "run": "8KiB", "block": "60kB", "lanes": 8, "cache": "10MB", "prefetch": "40kB",
    "batch_size": 16,
}  # fmt: skip


def main(home: str, remote: str, out: str, workers: str, state: str = "") -> None:
    meeting = os.environ.get("MASTER_FILE")
    if meeting is not None:
        distributed.init_process_group(
            "gloo",
            init_method=Path(meeting).as_uri(),
            rank=int(os.environ["NUMBER"]),
            world_size=2,
        )
    lake = DataLake(home=home, remote=remote)
    loader = Loader(
        StreamDirectory(Directory("images", lake=lake), **ARGUMENTS), num_workers=int(workers)
    )
    if state:
        loader.load_state_dict(json.loads(state))
    with Path(out).open("a", encoding="utf-8") as lines:
        for paths, _ in loader:
            lines.write(json.dumps([list(paths), loader.state_dict()]) + "\n")
            lines.flush()
    if meeting is not None:
        # All have the same state, and the same number of batches.
        states: list[object] = [None, None]
        distributed.all_gather_object(states, loader.state_dict())
        assert states[0] == states[1]
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
