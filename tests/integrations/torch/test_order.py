"""The order of samples: a permutation, the same for ever, that mixes. PyTorch is not needed."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radops.errors import UsageError
from radops.integrations.torch.order import (
    Order,
    Runs,
    Shape,
    check_world,
    runs_of_groups,
    runs_of_pages,
)
from radops.integrations.torch.permutation import Permutation, seed_of
from radops.integrations.torch.quality import distinct_per_batch
from radops.integrations.torch.share import Share

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "stream-order.json").read_text())

SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=40)
SHAPES = st.builds(
    Shape,
    seed=st.integers(0, 2**64),
    lanes=st.sampled_from([1, 2, 4, 6, 8, 64]),
    block=st.integers(1, 2000),
    shuffle=st.booleans(),
)


def numbers(order: Order) -> list[int]:
    return [order.number(position) for position in range(len(order))]


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["name"])
def test_an_order_is_the_same_for_ever(case: dict[str, Any]) -> None:
    """A checkpoint of years ago goes on with the samples that it has not seen."""
    runs = runs_of_pages([tuple(page) for page in case["pages"]], case["run_bytes"])
    if "groups" in case:
        files = sum(count for count, _ in case["pages"])
        ends = itertools.accumulate(itertools.cycle(case["groups"]))
        starts = [0, *itertools.takewhile(lambda end: end < files, ends), files]
        runs = runs_of_groups(runs, starts)
    found = numbers(Order(runs, Shape(**case["shape"]), case["epoch"]))
    assert len(runs) == case["runs"]
    assert found[:16] == case["first"]
    text = ",".join(map(str, found)).encode()
    assert hashlib.sha256(text).hexdigest() == case["sha256"]


@given(sizes=SIZES, shape=SHAPES, epoch=st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_each_sample_comes_once_in_an_epoch(sizes: list[int], shape: Shape, epoch: int) -> None:
    order = Order(Runs(sizes), shape, epoch)
    assert sorted(numbers(order)) == list(range(sum(sizes)))


@given(
    size=st.one_of(st.integers(1, 200), st.sampled_from([4095, 4096, 4097])),
    seed=st.integers(0, 2**64),
)
@settings(max_examples=50, deadline=None)
def test_a_permutation_is_one(size: int, seed: int) -> None:
    permutation = Permutation(size, seed)
    assert sorted(permutation[index] for index in range(size)) == list(range(size))
    with pytest.raises(IndexError):
        permutation[size]


def test_a_permutation_prefers_no_place() -> None:
    """Each of 12 things is as often at each place, and as often followed by each other thing."""
    size, tries = 12, 6000
    places: Counter[tuple[int, int]] = Counter()
    following: Counter[tuple[int, int]] = Counter()
    for seed in range(tries):
        found = list(Permutation(size, seed_of("test", seed)))
        places.update(enumerate(found))
        following.update(itertools.pairwise(found))
    # 500 each; six standard deviations are 130.
    assert all(abs(times - tries / size) < 130 for times in places.values())
    assert len(places) == size**2
    assert len(following) == size * (size - 1)
    assert all(abs(times - tries / size) < 130 for times in following.values())


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    runs = Runs([10] * 50)
    orders = [
        tuple(numbers(Order(runs, Shape(seed, 8, 100), epoch)))
        for seed, epoch in itertools.product(range(3), range(3))
    ]
    assert len(set(orders)) == 9


def test_runs_are_cut_from_the_totals_of_pages() -> None:
    runs = runs_of_pages([(100, 1000), (0, 0), (3, 10_000), (7, 0)], 100)
    assert [runs.size(run) for run in range(len(runs))] == [10] * 10 + [1] * 3 + [7]
    assert runs.samples == 110
    assert runs_of_pages([], 100).samples == 0


@given(groups=st.lists(st.integers(1, 9), min_size=1, max_size=60), size=st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_runs_of_groups_have_whole_samples(groups: list[int], size: int) -> None:
    """Each run has the samples that begin between its first file and that of the next run."""
    starts = [0, *itertools.accumulate(groups)]
    files = runs_of_pages([(starts[-1], 100 * starts[-1])], size)
    runs = runs_of_groups(files, starts)
    assert runs.samples == len(groups)
    firsts = [starts[sample] for sample in runs.starts[:-1]]
    for first, sample in zip(firsts, runs.starts, strict=False):
        run = max(start for start in files.starts if start <= first)
        assert sample == 0 or starts[sample - 1] < run <= first


@given(
    samples=st.integers(1, 500),
    batch=st.integers(1, 20),
    world=st.sampled_from([1, 2, 3, 4, 8]),
    workers=st.integers(1, 5),
    tail=st.sampled_from(["drop", "repeat", "uneven"]),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_ranks_and_workers_share_an_epoch(
    samples: int, batch: int, world: int, workers: int, tail: Any, data: st.DataObject
) -> None:
    consumed = data.draw(st.integers(0, samples))
    shares = [Share(samples, batch, tail, rank, world, consumed) for rank in range(world)]
    read = []
    for share in shares:
        by_batch = [list(share.positions(number)) for number in range(share.batches)]
        one_by_one = list(itertools.chain.from_iterable(by_batch))
        # PyTorch takes batches from workers in turn.
        of_workers = [
            list(_cut(list(share.worker(worker, workers)), batch)) for worker in range(workers)
        ]
        taken = [of_workers[number % workers][number // workers] for number in range(share.batches)]
        assert taken == by_batch
        read.append(one_by_one)
    left = list(range(consumed, samples))
    every = sorted(itertools.chain.from_iterable(read))
    if tail == "uneven":
        assert every == left
    else:
        assert len({share.batches for share in shares}) == 1
        assert all(len(one) == shares[0].batches * batch for one in read)
        if tail == "drop":
            assert every == left[: len(every)]
            assert len(left) - len(every) < batch * world
        else:
            assert set(left) <= set(every)
            assert len(every) - len(left) < batch * world


def _cut(values: list[int], size: int) -> Any:
    return (values[start : start + size] for start in range(0, len(values), size))


@given(
    samples=st.integers(50, 300),
    first=st.tuples(st.sampled_from([1, 2, 4]), st.integers(1, 7)),
    second=st.tuples(st.sampled_from([1, 2, 4, 8]), st.integers(1, 7)),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_other_ranks_go_on_where_some_stopped(
    samples: int, first: tuple[int, int], second: tuple[int, int], data: st.DataObject
) -> None:
    """After b batches of each rank, what is done is the beginning of the epoch: nothing else."""
    before = [Share(samples, first[1], "uneven", rank, first[0]) for rank in range(first[0])]
    batches = data.draw(st.integers(0, min(share.batches for share in before)))
    seen = [
        position
        for share in before
        for batch in range(batches)
        for position in share.positions(batch)
    ]
    done = before[0].done_after(batches)
    assert sorted(seen) == list(range(min(done, len(seen))))
    rest = [
        position
        for rank in range(second[0])
        for position in Share(samples, second[1], "uneven", rank, second[0], done).worker(0, 1)
    ]
    assert sorted([*seen, *rest]) == list(range(samples))


def test_ranks_with_a_batch_more_or_less_agree_on_what_is_done() -> None:
    def ranks(samples: int, consumed: int = 0) -> list[Share]:
        return [Share(samples, 4, "uneven", rank, 4, consumed) for rank in range(4)]

    assert [share.batches for share in ranks(33)] == [3, 2, 2, 2]
    assert {share.done_after(2) for share in ranks(33)} == {32}
    assert [share.batches for share in ranks(33, 32)] == [1, 0, 0, 0]
    assert not any(share.is_finished for share in ranks(33, 32))
    assert all(share.is_finished for share in ranks(33, 33))
    assert not any(share.is_finished for share in ranks(3))


def test_a_finished_epoch_has_nothing_left() -> None:
    share = Share(103, 10, "drop", 1, 2)
    assert share.batches == 5
    assert share.done_after(4) == 80
    assert share.done_after(5) == 103
    assert Share(103, 10, "drop", 0, 1, 103).batches == 0


@pytest.mark.parametrize(("classes", "files"), [(100, 300), (1000, 30), (10_000, 3)])
def test_batches_of_sorted_classes_are_mixed(classes: int, files: int) -> None:
    """Files of 20 kB, sorted by class, 52 in a run: batches have nearly all classes they can."""
    samples, batch = classes * files, 256
    runs = runs_of_pages([(3000, 3000 * 20_000)] * (samples // 3000), 1 << 20)
    order = Order(runs, Shape(lanes=64, block=(1 << 32) // 20_000), 0)
    uniform = distinct_per_batch([number // files for number in range(samples)], batch)
    distinct = [
        len({order.number(start + index) // files for index in range(batch)})
        for start in range(0, samples - batch, batch)
    ]
    assert sum(distinct) / len(distinct) >= 0.95 * uniform


def test_few_blocks_are_in_use_at_one_time() -> None:
    """Of data much larger than the block, a stretch of the epoch needs few runs."""
    runs = Runs([10] * 4000)
    order = Order(runs, Shape(lanes=8, block=4000), 0)
    needed = {order[position].run for position in range(20_000, 21_000)}
    # Three blocks of one lane at most, in each of eight, 50 runs to a block.
    assert len(needed) < 8 * 3 * 51


def test_draws_without_replacement_have_known_numbers_of_classes() -> None:
    labels = ["a"] * 5 + ["b"] * 5
    # Of 45 pairs, 25 are mixed.
    assert distinct_per_batch(labels, 2) == pytest.approx(1 + 25 / 45)
    assert distinct_per_batch(labels, 10) == pytest.approx(2)
    with pytest.raises(UsageError, match="no batch"):
        distinct_per_batch(labels, 11)


def test_ranks_must_divide_the_lanes() -> None:
    check_world(4, 64)
    with pytest.raises(UsageError, match="3 ranks do not divide 8 lanes") as caught:
        check_world(3, 8)
    assert "1, 2, 4, 8" in str(caught.value.hint)


def test_few_files_in_one_run_are_mixed_as_well() -> None:
    order = Order(runs_of_pages([(120, 600)], 1 << 20), Shape(lanes=64, block=1 << 32), 0)
    classes = [number // 12 for number in range(120)]
    distinct = [
        len({classes[order.number(start + index)] for index in range(8)})
        for start in range(0, 120, 8)
    ]
    assert sum(distinct) / len(distinct) >= 0.95 * distinct_per_batch(classes, 8)
