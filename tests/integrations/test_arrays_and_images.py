"""NumPy, h5py, Zarr, Pillow and universal_pathlib on a lake."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from PIL import Image
from upath import UPath

from integrations.places import MIB, fetched
from radops.data_lake import DataLake, Directory, File

if TYPE_CHECKING:
    from pathlib import Path

    from servers.proxy import FaultProxy
    from servers.server import S3Server


@pytest.fixture(scope="module")
def bucket(seaweedfs: S3Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bucket with an HDF5 file of 24 MiB."""
    name, folder = seaweedfs.new_bucket(), tmp_path_factory.mktemp("writer")
    with h5py.File(folder / "big.h5", "w") as file:
        for number in range(6):
            file[f"d{number}"] = np.full(4 * MIB // 8, number, dtype="int64")
    writer = DataLake(
        home=folder / "home", remote=f"s3://{name}/lake?endpoint_url={seaweedfs.endpoint_url}"
    )
    writer.add(folder / "big.h5", "big.h5")
    writer.close()
    return name


def test_one_array_of_an_hdf5_file(make_lake, remote: str, faulty_seaweedfs: FaultProxy) -> None:
    lake = make_lake("reader", remote=remote)
    with lake.file("big.h5").open("rb") as stream, h5py.File(stream) as file:
        assert file["d3"][100] == 3
        assert file["d3"][:].sum() == 3 * 4 * MIB // 8
    assert fetched(faulty_seaweedfs) <= 8 * MIB


def test_numpy_and_pillow(lake: DataLake, tmp_path: Path) -> None:
    with Directory("data").staged() as folder:
        np.save(folder / "a.npy", np.arange(1000))
        Image.new("RGB", (3, 5), (9, 8, 7)).save(folder / "a.png")
    with File("data/a.npy").open("rb") as stream:
        assert np.load(stream).sum() == 499_500
    with File("data/a.png").open("rb") as stream, Image.open(stream) as image:
        assert (image.size, image.getpixel((0, 0))) == ((3, 5), (9, 8, 7))
    with Image.open(Directory("data").path() / "a.png") as image:
        assert image.size == (3, 5)


def test_folders_of_classes(lake: DataLake) -> None:
    """As torchvision's `ImageFolder` does it: by `scandir`, `walk`, and a path for each file."""
    with Directory("classes").staged() as folder:
        for number, label in enumerate(("cats", "dogs")):
            (folder / label / "more").mkdir(parents=True)
            Image.new("RGB", (2 + number, 2)).save(folder / label / "1.png")
            Image.new("RGB", (2 + number, 2)).save(folder / label / "more" / "2.png")
    root = Directory("classes").path()
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    assert classes == ["cats", "dogs"]
    samples = [
        (f"{top}/{name}", classes.index(label))
        for label in classes
        for top, _, names in sorted(os.walk(root / label, followlinks=True))
        for name in sorted(names)
    ]
    assert len(samples) == 4
    for path, label in samples:
        with open(path, "rb") as file, Image.open(file) as image:
            assert image.convert("RGB").size == (2 + label, 2)


def test_paths_in_a_fresh_process(lake: DataLake) -> None:
    """How paths are split must not depend on what was imported before."""
    File("notes/a.txt").write_text("a")
    program = (
        "from upath import UPath; path = UPath('radops://notes');"
        "print([one.name for one in path.iterdir()], (path / 'a.txt').read_text())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "['a.txt'] a"


def test_paths(lake: DataLake) -> None:
    with Directory("data/v1").staged() as folder:
        (folder / "cats").mkdir()
        (folder / "cats/1.txt").write_text("cat")
        (folder / "x.txt").write_text("x")
    top = UPath("radops://data/v1")
    assert sorted(path.name for path in top.iterdir()) == ["cats", "x.txt"]
    assert (top / "cats" / "1.txt").read_text() == "cat"
    assert (top / "cats").is_dir()
    assert not (top / "dogs").exists()
    assert [path.name for path in top.glob("**/*.txt")] == ["1.txt", "x.txt"]
    (UPath("radops://notes") / "a.txt").write_text("written")
    assert File("notes/a.txt").read_text() == "written"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="zarr 3 needs Python 3.11")
def test_zarr(lake: DataLake) -> None:
    import zarr  # noqa: PLC0415 - see above

    with Directory("arrays").staged() as folder:
        group = zarr.open(str(folder), mode="w")
        group.create_array("a", data=np.arange(10_000).reshape(100, 100), chunks=(10, 100))
    group = zarr.open("radops://arrays", mode="r")
    assert (group["a"][:] == np.arange(10_000).reshape(100, 100)).all()
    assert group["a"][42, 7] == 4207
