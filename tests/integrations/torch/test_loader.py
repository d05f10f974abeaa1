"""`Loader`: epochs, workers however started, states, and going on with other numbers of them."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")

from torch.utils.data import DataLoader

from integrations.torch.conftest import FILES, SMALL
from radops.errors import UsageError
from radops.integrations.torch import Loader, StreamDirectory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.data_lake import Directory

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


def stream(directory: Directory, **options: Any) -> StreamDirectory:
    return StreamDirectory(directory, **{**SMALL, "batch_size": 16, **options})


def paths(batches: Iterable[Any]) -> list[str]:
    return [path for paths, _ in batches for path in paths]


def test_workers_do_not_change_the_order(elsewhere: Directory) -> None:
    expected = list(stream(elsewhere).names(0, 0, 992))
    for workers in (0, 3):
        loader = Loader(stream(elsewhere), num_workers=workers)
        assert len(loader) == 62
        read = list(loader)
        assert paths(read) == expected
        assert all(data == FILES[path] for batch in read for path, data in zip(*batch, strict=True))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_are_started_in_any_way_after_use_in_the_parent(
    elsewhere: Directory, method: str
) -> None:
    ds = stream(elsewhere)
    next(iter(ds))
    ds.set_epoch(0)
    loader = Loader(ds, num_workers=1, multiprocessing_context=method)
    assert paths(loader) == list(ds.names(0, 0, 992))


def test_workers_that_stay_go_through_the_same_epochs(here: Directory) -> None:
    ds = stream(here)
    loader = Loader(ds, num_workers=2, persistent_workers=True)
    for epoch in range(3):
        assert paths(loader) == list(ds.names(epoch, 0, 992))
        assert loader.state_dict()["epoch"] == epoch


def test_workers_that_stay_go_to_the_epoch_that_is_chosen(here: Directory) -> None:
    ds = stream(here)
    loader = Loader(ds, num_workers=2, persistent_workers=True)
    started: list[set[int | None]] = []
    for chosen, epoch in [(None, 0), (5, 5), (None, 6), (3, 3), (4, 4)]:
        if chosen is not None:
            ds.set_epoch(chosen)
        batches = iter(loader)
        seen = paths([next(batches)])
        state = loader.state_dict()
        started.append({child.pid for child in multiprocessing.active_children()})
        assert seen + paths(batches) == list(ds.names(epoch, 0, 992))
        again = Loader(stream(here))
        again.load_state_dict(state)
        assert seen + paths(again) == list(ds.names(epoch, 0, 992))
    # They are started again only where they would have gone elsewhere.
    assert started[1] == started[2] != started[0]
    assert started[3] == started[4] != started[2]
    assert len(multiprocessing.active_children()) == 2


def test_an_iteration_that_is_left_early_is_followed_by_the_next_epoch(here: Directory) -> None:
    ds = stream(here)
    loader = Loader(ds, num_workers=1)
    for _ in loader:
        break
    assert loader.state_dict()["consumed"] == 16
    assert paths(loader) == list(ds.names(1, 0, 992))


@pytest.mark.parametrize(
    ("stop", "before", "after"), [(0, 0, 0), (1, 1, 0), (17, 8, 3), (61, 0, 2), (62, 2, 0)]
)
def test_a_run_goes_on_anywhere_with_other_workers(
    here: Directory, stop: int, before: int, after: int
) -> None:
    ds = stream(here)
    loader = Loader(ds, num_workers=before)
    batches = iter(loader)
    seen = paths(next(batches) for _ in range(stop))
    # As a checkpoint holds it.
    state = json.loads(json.dumps(loader.state_dict()))
    assert len(json.dumps(state)) < 500
    again = Loader(stream(here), num_workers=after)
    again.load_state_dict(state)
    assert again.state_dict() == state
    rest = paths(again)
    if stop < 62:
        assert seen + rest == list(ds.names(0, 0, 992))
    else:  # a finished epoch
        assert rest == list(ds.names(1, 0, 992))
    after_that = list(ds.names(1 if stop < 62 else 2, 0, 16))
    assert list(next(iter(Loader(again.dataset)))[0]) == after_that


@pytest.mark.parametrize("tail", ["drop", "repeat", "uneven"])
@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 1), (1, 8)])
def test_a_run_goes_on_with_other_ranks(
    here: Directory, before: int, after: int, tail: str
) -> None:
    def of(world: int, rank: int) -> Loader:
        return Loader(stream(here, rank=rank, world_size=world, tail=tail))

    seen: list[str] = []
    states = []
    for rank in range(before):
        loader = of(before, rank)
        batches = iter(loader)
        seen += paths(next(batches) for _ in range(9))
        states.append(loader.state_dict())
    assert all(state == states[0] for state in states)
    counts, rest = [], []
    for rank in range(after):
        loader = of(after, rank)
        loader.load_state_dict(states[0])
        rest.append(paths(loader))
        counts.append(len(rest[-1]))
    every = seen + [path for one in rest for path in one]
    if tail == "drop":
        assert len(set(every)) == len(every) > len(FILES) - 16 * after
    else:
        assert set(every) == set(FILES)
    if tail != "uneven":
        assert len(set(counts)) == 1
        assert counts[0] % 16 == 0
    else:
        assert len(every) == len(FILES)


@pytest.mark.parametrize("workers", [0, 2])
def test_ranks_with_a_batch_less_stay_in_the_epoch_of_the_others(
    here: Directory, workers: int
) -> None:
    options = {"pattern": "c0*/**", "batch_size": 31, "tail": "uneven", "world_size": 4}

    def of(rank: int) -> Loader:
        return Loader(stream(here, rank=rank, **options), num_workers=workers)

    first = [of(rank) for rank in range(4)]
    assert [len(loader) for loader in first] == [3, 3, 2, 2]
    states, seen = [], []
    for loader in first:
        batches = iter(loader)
        seen += paths(next(batches) for _ in range(2))
        states.append(loader.state_dict())
    assert [state["consumed"] for state in states] == [248] * 4
    again = [of(rank) for rank in range(4)]
    for loader in again:
        loader.load_state_dict(states[3])
        seen += paths(loader)
        assert loader.state_dict() == {**states[0], "consumed": 250}
    assert sorted(seen) == sorted(path for path in FILES if path.startswith("c0"))
    assert [next(iter(loader)) and loader.state_dict()["epoch"] for loader in again] == [1] * 4


def test_ranks_without_any_sample_read_nothing(here: Directory) -> None:
    loaders = [
        Loader(stream(here, pattern="c00/0[0-2].bin", tail="uneven", rank=rank, world_size=4))
        for rank in range(4)
    ]
    for epoch in range(2):
        assert [len(paths(loader)) for loader in loaders] == [1, 1, 1, 0]
        assert [loader.state_dict()["epoch"] for loader in loaders] == [epoch] * 4


def test_a_killed_worker_is_an_error_and_the_state_goes_on(elsewhere: Directory) -> None:
    ds = stream(elsewhere)
    loader = Loader(ds, num_workers=2)
    batches = iter(loader)
    seen = paths(next(batches) for _ in range(5))
    victim = multiprocessing.active_children()[0]
    os.kill(victim.pid or 0, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=r"killed by signal|exited unexpectedly"):
        for batch in batches:
            seen += batch[0]
    state = loader.state_dict()
    again = Loader(stream(elsewhere), num_workers=3)
    again.load_state_dict(state)
    assert seen + paths(again) == list(ds.names(0, 0, 992))


def test_a_state_of_something_else_is_refused(here: Directory) -> None:
    state = Loader(stream(here)).state_dict()
    for options, word in [
        ({"seed": 1}, "seed 0, not 1"),
        ({"pattern": "c0*/**"}, "samples 1000, not"),
        ({"lanes": 4}, "lanes"),
        ({"shuffle": False}, "shuffle"),
    ]:
        with pytest.raises(UsageError, match=word):
            Loader(stream(here, **options)).load_state_dict(state)
    for other, message in [
        ({**state, "source": "00"}, "source"),
        ({**state, "v": 2}, "version 2"),
        ({**state, "consumed": 1001}, "not the state"),
        ({**state, "epoch": "1"}, "not the state"),
        ({}, "not the state"),
    ]:
        with pytest.raises(UsageError, match=message):
            Loader(stream(here)).load_state_dict(other)


def test_a_state_is_loaded_before_the_iteration(here: Directory) -> None:
    loader = Loader(stream(here))
    state = loader.state_dict()
    next(iter(loader))
    with pytest.raises(UsageError, match="after an iteration has begun"):
        loader.load_state_dict(state)


def test_what_the_stream_says_is_not_said_again(here: Directory) -> None:
    with pytest.raises(UsageError, match="batch_size is an argument of the stream"):
        Loader(stream(here), batch_size=3)
    with pytest.raises(UsageError, match="in_order=False"):
        Loader(stream(here), num_workers=2, in_order=False)
    assert len(Loader(stream(here), in_order=True)) == 62
    with pytest.raises(UsageError, match="list has no order"):
        Loader([1, 2])  # type: ignore[arg-type]


def test_plain_loaders_of_pytorch_read_it_too(here: Directory) -> None:
    ds = stream(here)
    loader = DataLoader(ds, batch_size=ds.batch_size, num_workers=2)
    assert paths(loader) == list(ds.names(0, 0, 992))


def memory_after_collecting(path: str, data: bytes) -> tuple[int, int]:
    """Return bytes that this process has for itself after a collection, and objects left out."""
    gc.collect()
    kib = re.findall(r"Private_\w+: +(\d+)", Path("/proc/self/smaps_rollup").read_text())
    return 1024 * sum(map(int, kib)), gc.get_freeze_count()


@pytest.mark.skipif(sys.platform != "linux", reason="tells memory as Linux does")
def test_workers_share_the_memory_that_they_were_forked_with(here: Directory) -> None:
    """The modules of PyTorch alone would be 50 MB in each."""
    ds = stream(here, transform=memory_after_collecting, pattern="c00/**", shuffle=False)
    sizes, left_out = next(iter(Loader(ds, num_workers=1, multiprocessing_context="fork")))
    assert max(sizes.tolist()) < 40_000_000
    assert min(left_out.tolist()) > 10_000
    assert gc.get_freeze_count() == 0  # in this process nothing changes


# What torchdata 0.11 itself calls of PyTorch.
@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")
def test_the_stateful_loader_goes_on_with_equal_numbers(here: Directory) -> None:
    stateful = pytest.importorskip(
        "torchdata.stateful_dataloader", reason="torchdata: make test-torch"
    )
    for workers in (0, 2):

        def loader(workers: int = workers) -> Any:
            ds = stream(here)
            return stateful.StatefulDataLoader(ds, batch_size=ds.batch_size, num_workers=workers)

        first = loader()
        batches = iter(first)
        seen = paths(next(batches) for _ in range(7))
        state = first.state_dict()
        again = loader()
        again.load_state_dict(state)
        assert seen + paths(again) == list(stream(here).names(0, 0, 992))
