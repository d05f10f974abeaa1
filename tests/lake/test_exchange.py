"""The folder in which the processes of one running creator meet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from format.samples import IMPORT, digest, records
from radops.errors import CreatorError
from radops.format.record import folder_record
from radops.format.uid import UID
from radops.lake.exchange import Exchange

if TYPE_CHECKING:
    from pathlib import Path

KEY = digest(1)


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    exchange = Exchange(tmp_path / "run")
    exchange.open("team.make", KEY, [UID("a"), UID("größe/b")], begun=[UID("a")])
    return exchange


def test_another_process_learns_what_may_be_made(exchange: Exchange) -> None:
    other = Exchange(exchange.folder)
    assert other.is_open
    assert other.describe() == ("team.make", str(KEY), (UID("a"), UID("größe/b")))
    exchange.close()
    assert not other.is_open
    assert other.describe() is None
    exchange.remove()
    exchange.remove()
    assert not exchange.folder.exists()


def test_outputs_without_names_are_not_limited(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path / "run")
    exchange.open("team.make", KEY, None, begun=[])
    assert exchange.describe() == ("team.make", str(KEY), None)


def test_one_process_writes_an_output(exchange: Exchange) -> None:
    assert not exchange.claim(UID("a"))  # begun before
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda _: Exchange(exchange.folder).claim(UID("b")), range(16)))
    assert won.count(True) == 1
    exchange.give_up(UID("b"))
    exchange.give_up(UID("b"))
    assert exchange.claim(UID("b"))


def test_outputs_are_handed_over_whole(exchange: Exchange, tmp_path: Path) -> None:
    assert exchange.written(UID("größe/b")) is None
    for uid in ("größe/b", "a"):
        (tmp_path / "made").write_bytes(uid.encode())
        exchange.hand_over(UID(uid), tmp_path / "made")
    assert not (tmp_path / "made").exists()
    handed_over = {uid: path for uid, path, _ in Exchange(exchange.folder).handed_over()}
    assert {uid: path.read_bytes().decode() for uid, path in handed_over.items()} == {
        "a": "a",
        "größe/b": "größe/b",
    }
    assert exchange.written(UID("a")) == handed_over[UID("a")]
    # What was renamed and not yet named is not whole: its process may have been killed.
    (tmp_path / "made").write_bytes(b"c")
    exchange.hand_over(UID("c"), tmp_path / "made")
    exchange._path(UID("c"), "json").unlink()
    assert exchange.written(UID("c")) is None
    assert UID("c") not in {uid for uid, *_ in exchange.handed_over()}


def test_reads_are_noted_once(exchange: Exchange) -> None:
    read = [(record, None) for record in (IMPORT, *records())]
    inner = [(IMPORT, ("größe/b.txt", digest(3))), (IMPORT, ("c", digest(3)))]
    for record, path in (*read, *inner, *read, *inner):
        Exchange(exchange.folder).note_read(record, path)
    found = exchange.reads()
    assert len(found) == len(read) + len(inner)
    assert all(one in found for one in (*read, *inner))
    exchange.remove()
    exchange.note_read(IMPORT, None)  # after the creator has ended: nothing is written
    assert not exchange.folder.exists()


def test_only_files_are_read(exchange: Exchange) -> None:
    (exchange.folder / f"{digest(9).hex}.read").write_bytes(b"\n" + folder_record(UID("a")))
    with pytest.raises(CreatorError, match="not the record of a file"):
        exchange.reads()
