"""Calls of very many outputs: what they cost grows with the outputs, not with their square."""

from __future__ import annotations

import cProfile
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest

from radops.data_lake import DataLake, File, file_creator
from radops.errors import UsageError
from radops.format.call import CallOutput, decode_call, encode_call
from radops.format.digest import Digest
from radops.format.uid import UID
from radops.lake.info import call_of
from radops.pipeline.execute import check_fits

runs: list[int] = []


@pytest.fixture(autouse=True)
def _count() -> None:
    runs.clear()


@file_creator(name="tests.many_outputs")
def split(source: File, output_uids: list[str]) -> list[File]:
    runs.append(1)
    made = [File(uid) for uid in output_uids]
    for number, out in enumerate(made):
        out.write_text(f"{source.read_text()} {number}")
    return made


@file_creator(name="tests.many_inputs")
def mix(sources: list[File], output_uids: list[str]) -> list[File]:
    text = "".join(source.read_text() for source in sources)
    made = [File(uid) for uid in output_uids]
    for number, out in enumerate(made):
        out.write_text(f"{text} {number}")
    return made


def names(count: int, folder: str = "out") -> list[str]:
    return [f"{folder}/{number:04}" for number in range(count)]


def stored(folder: Path, prefix: str) -> list[Path]:
    return [path for path in (folder / prefix).rglob("*") if path.is_file()]


def test_skipping_many_outputs_costs_a_few_python_calls_each(lake: DataLake, write) -> None:
    lake.add(write("in", "in"))
    cost = {}
    for count in (100, 1000):
        uids = names(count, f"out-{count}")
        made = split(File("in"), output_uids=uids)
        assert [file.uid for file in made] == uids
        split(File("in"), output_uids=uids)  # whatever is done once is done by now
        calls = cProfile.Profile()
        again = calls.runcall(split, File("in"), output_uids=uids)
        assert again == made
        cost[count] = sum(one.callcount for one in calls.getstats())
    assert runs == [1, 1]
    each = (cost[1000] - cost[100]) / 900
    assert each < 200, cost


def test_records_and_edges_are_linear(lake: DataLake, write) -> None:
    home = lake.home / "storage" / "lakes" / lake.lake_id
    for number in range(40):
        lake.add(write(f"in{number}", f"{number}"))
    mix([File(f"in{number}") for number in range(40)], output_uids=names(200))
    assert len(stored(home, "edges")) == 40
    records = [path.stat().st_size for path in stored(home, "refs/out")]
    assert len(records) == 200
    assert max(records) < 1000
    assert lake.downstream("in7") == names(200)


def test_what_was_made_is_found_after_the_first_output_was_deleted(lake: DataLake, write) -> None:
    lake.add(write("in", "in"))
    split(File("in"), output_uids=names(70))
    lake.delete("out/0000")
    assert lake.downstream("in") == names(70)[1:]
    assert lake.verify().ok
    lake.gc(dry_run=False, grace=0)
    lake.gc(dry_run=False, grace=0)
    assert lake.file("out/0069").read_text() == "in 69"


def test_many_outputs_go_to_a_remote_and_are_checked_there(make_lake, shared: str, write) -> None:
    offline = make_lake("one", remote=shared, offline=True)
    with offline.use():
        offline.add(write("in", "in"))
        split(File("in"), output_uids=names(100))
    one = make_lake("one", remote=shared)
    assert len(one.sync().published) == 101
    remote = Path(urlsplit(shared).path)
    assert len(stored(remote, "edges")) == 1
    two = make_lake("two", remote=shared)
    with two.use():
        split(File("in"), output_uids=names(100))
    assert runs == [1]
    assert two.file("out/0050").read_text() == "in 50"
    assert two.info("out/0050").call.outputs[99].uid == "out/0099"
    assert two.downstream("in") == names(100)
    assert one.verify(remote=True).ok
    one.gc(dry_run=False, grace=0)
    one.gc(dry_run=False, grace=0)
    assert make_lake("three", remote=shared).file("out/0099").read_text() == "in 99"


def test_a_call_with_many_outputs_is_rewritten_when_its_input_is_published_elsewhere(
    make_lake, shared: str, write
) -> None:
    two = make_lake("two", remote=shared)
    two.add(write("x", "old"), "in")
    two.delete("in")
    offline = make_lake("one", remote=shared, offline=True)
    make_lake("one", remote=shared).sync()
    with offline.use():
        offline.add(write("in", "in"))
        split(File("in"), output_uids=names(66))
    one = make_lake("one", remote=shared)
    report = one.sync()
    assert (len(report.published), report.conflicts) == (67, [])
    info = two.info("out/0065")
    assert info.call.inputs[0].record == two.info("in").record
    assert two.lineage("out/0065", verify=True).problems == []
    again = one.sync()
    assert (again.published, again.adopted, again.dropped) == ([], [], [])


def test_more_outputs_than_a_record_holds_are_refused_before_the_function_runs(
    lake: DataLake, write
) -> None:
    lake.add(write("in", "in"))
    uids = [f"images/{number:06}.png" for number in range(120_000)]
    with pytest.raises(UsageError, match=r"many_outputs is given 120,000 output") as caught:
        split(File("in"), output_uids=uids)
    assert "some 50,000 fit" in str(caught.value.hint)
    assert runs == []
    assert [one.uid for one in lake.ls()] == ["in"]


def test_what_is_not_refused_fits(lake: DataLake, write) -> None:
    """With 50,000 outputs and the longest source that is kept, the call is still an object."""
    lake.add(write("in", "in"))
    split(File("in"), output_uids=["a", "b"])
    working = lake.session.lake
    record = working.find(UID("a"))
    assert record is not None
    call = call_of(working, record)
    assert call is not None
    uids = [UID(f"images/train/{number:06}.png") for number in range(50_000)]
    binder = split._binder
    bound = binder.bind((File("in"), uids), {}, lake.session)
    check_fits(bound)
    outputs = tuple(
        CallOutput(uid, Digest.of(uid.encode()), 1 << 40, place) for place, uid in enumerate(uids)
    )
    code = msgspec.structs.replace(call.code, source="x" * (1 << 20))
    whole = msgspec.structs.replace(call, outputs=outputs, code=code)
    assert decode_call(encode_call(whole)) == whole
