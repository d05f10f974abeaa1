"""Files that a program makes outside of creators and says what they were made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from radops.data_lake import DataLake, Directory, File, file_creator
from radops.errors import ArgumentTypeError, CreatorError, UIDConflictError, UIDNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STATE = {"v": 1, "source": "ab" * 32, "samples": 2, "order": {"seed": 0}, "epoch": 0, "consumed": 2}


@pytest.fixture
def data(tmp_path: Path, make_lake: Callable[..., DataLake], shared: str) -> DataLake:
    """A lake with a directory and a file."""
    folder = tmp_path / "images"
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    lake = make_lake("one", remote=shared)
    lake.add(folder, "images")
    lake.add(folder / "a.txt", "base.pt")
    return lake


def write(file: File, **options: Any) -> None:
    with file.staged(**options) as path:
        path.write_text("weights")


def test_what_a_checkpoint_was_made_from_is_its_lineage(
    data: DataLake, make_lake: Callable[..., DataLake], shared: str
) -> None:
    images = Directory("images", lake=data)
    write(
        File("ckpt.pt", lake=data),
        made_from=[images, File("base.pt", lake=data), images["a.txt"]],
        stream=STATE,
    )
    # Also on another machine.
    for lake in (data, make_lake("two", remote=shared)):
        assert File("ckpt.pt", lake=lake).read_text() == "weights"
        info = lake.info("ckpt.pt")
        assert info.call is not None
        assert info.call.function == "radops.data_lake.File.staged"
        assert info.call.params == {"stream": STATE}
        assert [(one.arg, one.uid) for one in info.call.inputs] == [
            ("made_from[0]", "images"),
            ("made_from[1]", "base.pt"),
            ("made_from[2]", "images"),
        ]
        assert set(lake.upstream("ckpt.pt")) == {"images", "base.pt"}
        assert lake.downstream("images") == ["ckpt.pt"]
        assert lake.verify().ok
        assert lake.why("ckpt.pt").is_current


def test_two_checkpoints_of_one_state_have_names_of_their_own(data: DataLake) -> None:
    for name in ("one.pt", "two.pt"):
        write(File(name, lake=data), made_from=[Directory("images", lake=data)], stream=STATE)
    assert data.info("one.pt").call.params == data.info("two.pt").call.params  # type: ignore[union-attr]
    with pytest.raises(UIDConflictError, match="exists already"):
        write(File("one.pt", lake=data), made_from=[Directory("images", lake=data)])


def test_what_cannot_be_recorded_is_an_error_before_anything_is_written(data: DataLake) -> None:
    file = File("ckpt.pt", lake=data)
    with pytest.raises(UIDNotFoundError, match="nothing"):
        write(file, made_from=[File("nothing", lake=data)])
    with pytest.raises(ArgumentTypeError, match="stream"):
        write(file, made_from=[Directory("images", lake=data)], stream={"model": object()})
    assert not file.exists()

    @file_creator
    def train(images: Directory) -> File:
        out = File(suffix=".pt")
        write(out, made_from=[images])
        return out

    with data.use(), pytest.raises(CreatorError, match="records what it is made from itself"):
        train(Directory("images"))


def test_an_error_in_the_block_publishes_nothing(data: DataLake) -> None:
    file = File("ckpt.pt", lake=data)
    with pytest.raises(ZeroDivisionError), file.staged(made_from=[File("base.pt", lake=data)]):
        1 / 0  # noqa: B018
    assert not file.exists()
    write(file, made_from=[File("base.pt", lake=data)])
    assert file.read_text() == "weights"
