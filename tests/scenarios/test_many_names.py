"""What many names are, asked together: the same as asked one by one, and cached the same."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from lake.mischief import joined, split
from radops.data_lake import File
from radops.errors import UIDNotFoundError
from radops.format.uid import UID
from radops.repository import resolver
from radops.repository.refs.slots import Free, State

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake
    from servers.proxy import FaultProxy

NAMES = [
    *(f"set/{number:02}" for number in range(10)),
    *("set", "made/one", *(f"made/few/{number}" for number in range(3))),
    *("again", "gone", "größe", "absent", "local"),
]


@pytest.fixture(params=["folder", "bucket"])
def remote(request: pytest.FixtureRequest) -> str:
    if request.param == "folder":
        return request.getfixturevalue("shared")
    proxy: FaultProxy = request.getfixturevalue("faulty_seaweedfs")
    return proxy.as_server.url(proxy.server.new_bucket(), "lake")


def fill(lake: DataLake, write) -> None:
    """Make names of all sorts: several slots, commits of several files, folders."""
    lake.add_many((write(name, name), name) for name in NAMES[:10])
    lake.add(write("g", "umlaut"), "größe")
    with lake.use():
        joined([File("set/00"), File("set/01")], output_uid="made/one")
        split(File("set/02"), output_uids=[f"made/few/{number}" for number in range(3)])
    for name, contents in (("again", ["old", "older", "new"]), ("gone", ["gone"])):
        for content in contents:
            lake.add(write(name, content), name)
            if content != "new":
                lake.delete(name)


def kind(state: State) -> tuple[object, ...]:
    raw = None if isinstance(state, Free) else state.record.raw
    return type(state).__name__, state.number, raw


def cached(lake: DataLake) -> dict[str, bytes]:
    """What a home has in its slots."""
    refs = lake.home / "storage" / "lakes" / lake.lake_id / "refs"
    return {path.relative_to(refs).as_posix(): path.read_bytes() for path in _files(refs)}


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture(params=[4096, 3])
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With few names per batch, one batch is read while another is cached."""
    monkeypatch.setattr(resolver, "_QUERY_BATCH", request.param)


@pytest.mark.usefixtures("batch")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("refresh", [False, True])
def test_together_and_one_by_one(make_lake, remote: str, write, seed: int, refresh: bool) -> None:
    rng = random.Random(seed)
    fill(make_lake("writer", remote=remote), write)
    known = rng.sample(NAMES, rng.randint(0, 8))
    for home in ("together", "single"):
        make_lake(home, remote=remote).ls()
        offline = make_lake(home, remote=remote, offline=True)
        offline.add(write("l", "local"), "local")
        reader = make_lake(home, remote=remote)
        for name in known:  # these it has asked about before
            try:
                reader.info(name)
            except UIDNotFoundError:
                continue
        reader.close()
    # Since then one was deleted, and another made again.
    again = make_lake("writer", remote=remote)
    for name in ("set/03", "set/04"):
        again.delete(name)
    again.add(write("s", "set/04 again"), "set/04")
    uids = [UID(name) for name in NAMES]
    together = make_lake("together", remote=remote)
    single = make_lake("single", remote=remote)
    for lake in (together, single):
        lake.ls()  # finds out whose the remote is
    found = together.session.lake.states(uids, refresh=refresh)
    one_by_one = {uid: single.session.lake.state(uid, refresh=refresh) for uid in uids}
    local = UID("local")
    one, other = (
        {uid: kind(state) for uid, state in states.items() if uid != local}
        for states in (found, one_by_one)
    )
    assert one == other
    assert type(found[local]) is type(one_by_one[local])
    here, there = cached(together), cached(single)
    for files in (here, there):
        files.pop("local.radops", None)
    assert here == there
    assert set(found) == set(uids)


@pytest.mark.usefixtures("batch")
def test_each_name_costs_one_request(make_lake, faulty_seaweedfs: FaultProxy, write) -> None:
    proxy = faulty_seaweedfs
    remote = proxy.as_server.url(proxy.server.new_bucket(), "lake")
    fill(make_lake("writer", remote=remote), write)
    reader = make_lake("reader", remote=remote)
    reader.ls()
    uids = [UID(name) for name in NAMES[:10]]
    proxy.reset()
    states = reader.session.lake.states(uids)
    assert not any(isinstance(state, Free) for state in states.values())
    assert proxy.counts() == {"GET": len(uids)}
    # They are known now, and are asked about again only where something is to be written.
    proxy.reset()
    assert reader.session.lake.states(uids) == states
    assert proxy.counts() == {}
    assert reader.session.lake.states(uids, refresh=True) == states
    assert proxy.counts() == {"GET": len(uids)}
