"""Samples of a directory: all of them, once, right, in the order, from wherever they are."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

from directories.lakes import fill
from integrations.torch.conftest import FILES, SMALL
from radops.data_lake import DataLake, Directory
from radops.errors import CorruptObjectError, UIDNotFoundError, UsageError
from radops.integrations.torch import Loader, StreamDirectory

if TYPE_CHECKING:
    from pathlib import Path


def stream(directory: Directory, **options: Any) -> StreamDirectory:
    return StreamDirectory(directory, **{**SMALL, "batch_size": 16, **options})


def test_every_file_comes_once_with_its_bytes(here: Directory, elsewhere: Directory) -> None:
    orders = []
    for directory in (here, elsewhere):
        read = list(stream(directory, tail="uneven"))
        assert dict(read) == FILES
        assert len(read) == len(FILES)
        orders.append([path for path, _ in read])
    assert orders[0] == orders[1] != sorted(FILES)
    assert orders[0] == list(stream(here).names())


def test_without_shuffling_files_come_in_the_order_of_their_paths(here: Directory) -> None:
    read = stream(here, shuffle=False, tail="uneven")
    assert [path for path, _ in read] == sorted(FILES)


def test_a_pattern_and_a_transform(elsewhere: Directory) -> None:
    chosen = stream(
        elsewhere,
        pattern="c1*/**",
        transform=lambda path, data: (path, len(data)),
        batch_size=10,
        tail="uneven",
    )
    expected = {path: len(data) for path, data in FILES.items() if path.startswith("c1")}
    assert dict(chosen) == expected
    assert chosen.samples == len(expected)


def test_each_iteration_is_another_epoch_unless_told(here: Directory) -> None:
    ds = stream(here, tail="uneven")
    first, second = ([path for path, _ in ds] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second)
    assert second == list(ds.names(epoch=1))
    ds.set_epoch(0)
    assert [path for path, _ in ds] == first


def test_runs_are_fetched_once_and_verified(elsewhere: Directory, published: Path) -> None:
    ds = stream(elsewhere, tail="uneven")
    list(ds)
    cache = elsewhere.session.settings.home / "cache" / "streams"
    runs = [path for path in cache.glob("*/*/*") if path.is_file()]
    held = sum(path.stat().st_size for path in runs)
    assert held == sum(map(len, FILES.values())) + 8 * (len(FILES) + len(runs))
    before = {path: path.stat().st_ino for path in runs}
    # What is wrong in the cache, or not there, is fetched again, and nothing else.
    runs[0].write_bytes(bytes(runs[0].stat().st_size))
    runs[1].write_bytes(b"")
    runs[2].unlink()
    assert dict(ds) == FILES
    after = {path: path.stat().st_ino for path in cache.glob("*/*/*")}
    assert set(after) == set(before)
    assert sum(after[path] != before[path] for path in before) <= 3
    assert all(path.stat().st_size for path in runs)
    # The packs themselves were not fetched.
    objects = elsewhere.session.store.root / "objects"
    assert sum(path.stat().st_size for path in objects.rglob("*") if path.is_file()) < 200_000


def test_a_corrupt_sample_raises_with_its_path(small: Directory, tmp_path: Path) -> None:
    path, data = list(FILES.items())[42]
    holding = [
        one
        for one in (tmp_path / "shared" / "objects").rglob("*")
        if one.is_file() and data in one.read_bytes()
    ]
    for one in holding:
        one.chmod(0o644)
        one.write_bytes(one.read_bytes().replace(data, bytes([data[0] ^ 1]) + data[1:]))
    with pytest.raises(CorruptObjectError, match=path):
        list(stream(small, tail="uneven"))
    loader = Loader(stream(small, tail="uneven"), num_workers=1)
    with pytest.raises(Exception, match=path):
        list(loader)
    assert holding


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cache": "50kB"}, "at least"),
        ({"cache": "much"}, "cache='much'"),
        ({"run": 0}, "run=0"),
        ({"lanes": 0}, "0 lanes"),
        ({"batch_size": 0}, "batch of 0"),
        ({"batch_size": 2000}, "too few for a batch of 2000"),
        ({"tail": "cut"}, "tail='cut'"),
        ({"rank": 0}, "go together"),
        ({"rank": 2, "world_size": 2}, "rank 2 is none of 2"),
        ({"rank": 0, "world_size": 3}, "3 ranks do not divide 8 lanes"),
        ({"pattern": "a["}, "pattern"),
        ({"pattern": "none/**"}, "too few"),
        ({"group": "folder"}, "group='folder'"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    elsewhere: Directory, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        stream(elsewhere, **options)


@pytest.fixture
def pairs(make_lake: Any, tmp_path: Path, shared: str) -> list[Directory]:
    """Images with labels, and some without: where they were added, and elsewhere."""
    files = {f"{path[:-4]}.jpg": data for path, data in FILES.items()}
    files |= {f"{path[:-4]}.cls": path[1:3].encode() for path in list(FILES)[::2]}
    fill(tmp_path / "pairs", files)
    lakes = [make_lake(name, remote=shared) for name in ("one", "two")]
    lakes[0].add(tmp_path / "pairs", "pairs")
    return [Directory("pairs", lake=lake) for lake in lakes]


def test_files_with_one_stem_are_one_sample(pairs: list[Directory]) -> None:
    expected = {path[:-4]: {"jpg": data} for path, data in FILES.items()}
    for path in list(FILES)[::2]:
        expected[path[:-4]]["cls"] = path[1:3].encode()
    orders = []
    for directory in pairs:
        ds = stream(directory, group="stem", tail="uneven", run="4KiB")
        assert ds.samples == len(FILES)
        read = list(ds)
        assert len(read) == len(FILES)
        assert dict(read) == expected
        orders.append([key for key, _ in read])
        assert orders[-1] == list(ds.names())
    assert orders[0] == orders[1] != sorted(orders[0])
    assert list(pickle.loads(pickle.dumps(ds)).names(0, 0, 5)) == orders[0][:5]


def test_groups_go_on_with_other_workers_and_are_part_of_the_state(pairs: list[Directory]) -> None:
    def grouped(**options: Any) -> StreamDirectory:
        return stream(pairs[1], **{"group": os.path.dirname, "batch_size": 4, **options})

    ds = grouped(transform=lambda key, files: (key, len(files)))
    assert ds.samples == 40
    loader = Loader(ds, num_workers=2)
    batches = iter(loader)
    seen = list(next(batches)[0])
    again = Loader(grouped(transform=lambda key, files: (key, len(files))))
    again.load_state_dict(loader.state_dict())
    rest = list(again)
    assert seen + [key for keys, _ in rest for key in keys] == list(ds.names())
    assert {int(count) for _, counts in rest for count in counts} == {37, 38}
    with pytest.raises(UsageError, match="group"):
        Loader(grouped(group=lambda path: path[:2])).load_state_dict(loader.state_dict())
    with pytest.raises(UsageError, match=r"samples|group"):
        Loader(stream(pairs[1])).load_state_dict(loader.state_dict())


def test_what_is_here_needs_no_cache(here: Directory) -> None:
    assert dict(stream(here, cache=1, tail="uneven")) == FILES


def test_a_directory_that_does_not_exist_is_named(make_lake: Any) -> None:
    with pytest.raises(UIDNotFoundError, match="nothing"):
        stream(Directory("nothing", lake=make_lake()))


def test_the_lake_of_now_is_read_wherever(elsewhere: Directory) -> None:
    lake = DataLake(home=elsewhere.session.settings.home, remote=elsewhere.session.settings.remote)
    with lake.use():
        ds = stream(Directory("images"), tail="uneven")
    assert dict(ds) == FILES
    assert dict(pickle.loads(pickle.dumps(ds))) == FILES
    lake.close()


def test_quality_is_reported(here: Directory) -> None:
    mixing = stream(here, batch_size=64, run="2kB", block="2MB")
    assert mixing.shuffle_quality(lambda path: path.split("/")[0]) > 0.95
    sorted_ = stream(here, batch_size=64, shuffle=False)
    assert sorted_.shuffle_quality(os.path.dirname) < 0.3


def test_what_was_seen_is_listed(here: Directory) -> None:
    ds = stream(here)
    loader = Loader(ds)
    seen: list[str] = []
    for number, (paths, _) in enumerate(loader, 1):
        seen += paths
        if number == 20:
            break
    assert list(ds.seen(loader.state_dict())) == seen
    # After a whole epoch, everything.
    for _ in loader:
        pass
    assert sorted(ds.seen(loader.state_dict())) == sorted(FILES)
    with pytest.raises(UsageError, match="another stream: seed"):
        list(stream(here, seed=5).seen(loader.state_dict()))
