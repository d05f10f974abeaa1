"""`radops datalake download`."""

from __future__ import annotations

import os

import pytest


def test_download_to_a_folder_gives_copies_to_work_with(sample):
    result = sample.ok("datalake", "download", "data/", "--to", "out")
    assert result.lines == ["out/data/a.csv", "out/data/b.csv", "out/data/sub/c d.csv"]
    copy = sample.folder / "out" / "data" / "a.csv"
    assert copy.read_text() == "a"
    assert os.access(copy, os.W_OK)
    assert sample.ok("datalake", "download", "data/", "--to", "out").lines == result.lines
    copy.write_text("z")
    again = sample("datalake", "download", "**/*.csv", "--to", "out")
    assert again.code == 4
    assert "a.csv exists" in again.err
    assert copy.read_text() == "z"


def test_download_prints_paths(sample):
    result = sample.ok("datalake", "download", "data/*.csv", "name.txt", "--json")
    files = {file["uid"]: file["path"] for file in result.json["files"]}
    assert list(files) == ["data/a.csv", "data/b.csv", "name.txt"]
    assert all(os.path.exists(path) for path in files.values())


@pytest.mark.parametrize("target", ["nope/", "*.nope", "[", "a//"])
def test_targets_that_mean_nothing_are_said(sample, target):
    assert sample("datalake", "download", target).code in (2, 3)
