"""Hugging Face datasets on a lake, by URL."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
from PIL import Image

from radops.data_lake import DataLake, Directory

if TYPE_CHECKING:
    from pathlib import Path

# In a process of its own: it reads its settings when it is imported.
PROGRAM = """
from datasets import load_dataset
found = load_dataset(
    "parquet", data_files="radops://parts/*.parquet", split="train", streaming=True
)
assert sum(row["a"] for row in found) == sum(range(1000))
images = load_dataset(
    "imagefolder", data_files="radops://images/**/*.png", split="train", streaming=True,
    drop_labels=False,
)
assert sorted((row["label"], row["image"].size) for row in images) == [(0, (2, 2)), (1, (2, 2))]
# A folder of this machine, as `data_dir` takes no URL.
from radops.data_lake import Directory
local = load_dataset(
    "imagefolder", data_dir=str(Directory("images").path()), split="train", streaming=True,
    drop_labels=False,
)
assert sorted((row["label"], row["image"].size) for row in local) == [(0, (2, 2)), (1, (2, 2))]
"""


def test_streaming(lake: DataLake, tmp_path: Path, monkeypatch) -> None:
    with Directory("parts").staged() as folder:
        pd.DataFrame({"a": range(500)}).to_parquet(folder / "0.parquet")
        pd.DataFrame({"a": range(500, 1000)}).to_parquet(folder / "1.parquet")
    with Directory("images").staged() as folder:
        for name in ("cats", "dogs"):
            (folder / "train" / name).mkdir(parents=True)
            Image.new("RGB", (2, 2)).save(folder / "train" / name / "1.png")
    for name, value in {
        "RADOPS_HOME": str(lake.home), "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
