"""The rule of which listed names are files, and that everything that lists names follows it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from format.samples import relaxed
from radops.backends.memory import MemoryBackend
from radops.format.record import FileRecord, folder_size
from radops.format.uid import UID, gone_key, slot_key
from radops.lake import evict, name_search, naming
from radops.lake.local_listing import known_here
from radops.repository.refs.listing import Listed, live_names, live_slot
from radops.repository.refs.slots import Slots, Taken
from radops.repository.sync import compare
from radops.repository.verify.worklist import Worklist

NAMES = [UID(name) for name in ("a", "a/b", "a/b/c.txt", "d e", "ä")]
RECORD = 500

slots_of_a_name = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["record", "folder", "mark"])), max_size=6
)
lakes = st.dictionaries(st.sampled_from(NAMES), slots_of_a_name)


def keys_of(lake: dict[UID, list[tuple[int, str]]]) -> dict[str, bytes]:
    keys = {}
    for uid, slots in lake.items():
        for number, kind in slots:
            if kind == "mark":
                keys[gone_key(slot_key(uid, number))] = b""
            else:
                size = RECORD if kind == "record" else folder_size(uid)
                keys[slot_key(uid, number)] = bytes(size)
    return keys


def expected(keys: dict[str, bytes]) -> set[UID]:
    """Return the files by the rule's words, key by key."""
    files = set()
    for uid in NAMES:
        used = [number for number in range(13) if slot_key(uid, number) in keys]
        if not used or gone_key(slot_key(uid, used[-1])) in keys:
            continue
        if len(keys[slot_key(uid, used[-1])]) != folder_size(uid):
            files.add(uid)
    return files


@relaxed
@given(lakes, st.randoms(use_true_random=False))
def test_all_that_list_names_agree(lake, order: random.Random) -> None:
    keys = keys_of(lake)
    backend = MemoryBackend()
    backend.put([*keys.items(), ("refs/no slot", b""), ("refs/a.radops-01", bytes(RECORD))])
    slots = Slots(backend)
    listed = list(slots.list())
    order.shuffle(listed)
    files = expected(keys)
    assert live_names(listed) == (files, set())
    assert naming.names(slots, "", recursive=True) == (files, set())
    assert name_search._names(slots, "", None, recursive=True) == files
    work = Worklist()
    for one in listed:
        work.add_listed(one)
    assert list(work.only_listed()) == sorted(files)
    for one in order.sample(sorted(files), len(files) // 2):
        work.add_file(one)
        files.remove(one)
    assert list(work.only_listed()) == sorted(files)
    work.close()


def test_folders_are_listed_beside_files() -> None:
    listed = [Listed("a/", 0, -1, gone=False), Listed("b", 0, RECORD, gone=False)]
    assert live_names(listed) == ({UID("b")}, {"a/"})
    assert live_slot([]) is None
    assert not listed[0].is_slot
    assert listed[1].is_slot


@pytest.mark.parametrize("seed", range(4))
def test_listings_of_a_home_show_what_its_records_say(make_lake, write, seed: int) -> None:
    """Files are added, deleted and added again; crashes leave marks without a tombstone."""
    choose = random.Random(seed)
    lake = make_lake()
    names = [f"{folder}{name}" for folder in ("", "x/", "x/y/") for name in "pqr"]
    there: set[str] = set()
    for step in range(40):
        uid = choose.choice(names)
        if uid in there:
            lake.delete(uid)
            there.remove(uid)
        else:
            lake.add(write(f"{step}.txt", str(step)), uid)
            there.add(uid)
    working = lake.session.lake
    free = [uid for uid in names if uid not in there]
    number = {uid: sum(1 for _ in working.local.slots.walk(UID(uid))) - 1 for uid in free}
    marks = [gone_key(slot_key(UID(uid), number[uid])) for uid in free]
    working.local.put([(working.local.prefix + mark, b"") for mark in marks])
    slots = working.local.slots
    assert live_names(slots.list())[0] == there
    assert {row.uid for row in lake.ls(recursive=True)} == there
    assert known_here(working, "", recursive=True)[0].keys() == there
    listed = compare._local_slots(working).rest
    assert {uid for uid in listed if _is_file(working, UID(uid))} == there
    assert {uid for uid in evict._local_names(working) if _is_file(working, uid)} == there
    assert {one.uid for one in working.unconfirmed()} == there


def _is_file(working, uid: UID) -> bool:
    state = working.local_state(uid)
    return isinstance(state, Taken) and isinstance(state.record, FileRecord)
