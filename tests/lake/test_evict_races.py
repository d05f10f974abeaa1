"""Making room while others read and write, and when it is stopped in the middle."""

from __future__ import annotations

import pytest

from faults import Crash, CrashingBackend, WrapperBackend
from lake.evicting import lake_of_four
from lakes import local_uids, storage
from radops.data_lake import DataLake
from radops.lake import holdings
from radops.lake.leaving import Leaving


@pytest.fixture
def lake(make_lake, shared: str, write) -> DataLake:
    return lake_of_four(make_lake, shared, write)


def held(lake: DataLake, uid: str) -> holdings.Held:
    (one,) = holdings.held(lake.session.lake, [uid]).values()
    holdings.add_views(lake.session, {one.digest: one})
    return one


class LocalWrapper:
    """Passes calls on to a folder backend, but for some operations through a wrapper."""

    def __init__(self, inner, wrapper) -> None:
        self._inner = inner
        self._wrapper = wrapper

    def __getattr__(self, name: str):
        wrapped = ("move", "move_all", "delete", "stat", "list", "put")
        side = self._wrapper if name in wrapped else self._inner
        return getattr(side, name)


def test_bytes_that_a_writer_puts_there_meanwhile_stay(lake: DataLake, write) -> None:
    one = held(lake, "files/1")
    store = lake.session.store

    class Writing(WrapperBackend):
        done = False

        def _do(self, name, key, action):
            if name == "move" and not self.done:
                self.done = True
                store.admit([store.stage_bytes(b"\x01" * 1000)])
            return action()

    folder_backend = store.backend
    store.backend = LocalWrapper(folder_backend, Writing(folder_backend))
    assert Leaving(lake.session).move([one]) == [False]
    store.backend = folder_backend
    assert "files/1" in local_uids(lake)
    assert not (storage(lake) / "trash").exists()


def test_bytes_that_a_reader_wants_meanwhile_stay(lake: DataLake, make_lake, shared) -> None:
    one = held(lake, "files/1")
    store = lake.session.store

    class Reading(WrapperBackend):
        done = False

        def _do(self, name, key, action):
            answer = action()
            if name == "move" and not self.done:
                self.done = True
                reader = make_lake("one", remote=shared, offline=True)
                assert reader.file("files/1").read_bytes() == b"\x01" * 1000
            return answer

    folder_backend = store.backend
    store.backend = LocalWrapper(folder_backend, Reading(folder_backend))
    assert Leaving(lake.session).move([one]) == [False]
    store.backend = folder_backend
    assert "files/1" in local_uids(lake)
    assert not (storage(lake) / "trash").exists()


def test_a_purge_may_stop_anywhere(lake: DataLake, make_lake, shared) -> None:
    store = lake.session.store
    folder_backend = store.backend
    for after in range(20):
        for number in range(1, 5):
            lake.file(f"files/{number}").path()
        store.backend = LocalWrapper(folder_backend, CrashingBackend(folder_backend, after=after))
        try:
            lake.purge_local_storage()
        except Crash:
            store.backend = folder_backend
            reader = make_lake("one", remote=shared, offline=True)
            whole = 0
            for number in range(1, 5):
                if reader.file(f"files/{number}").is_local():
                    whole += 1
                    assert (
                        reader.file(f"files/{number}").read_bytes()
                        == bytes([number]) * 1000 * number
                    )
            assert whole >= 4 - (after + 1)  # all of a batch are moved before any is deleted
            lake.gc(dry_run=False, where="local")
            assert not (storage(lake) / "trash").exists()
        else:
            store.backend = folder_backend
            break
    assert after == 4 * 3  # a move and two deletes for each
    assert local_uids(lake) == []
    for number in range(1, 5):
        assert lake.file(f"files/{number}").read_bytes() == bytes([number]) * 1000 * number
