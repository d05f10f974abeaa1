"""A fork waits for whatever a thread does in SQLite: its locks would stay locked in the child."""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from radops.repository.objects import cache_file, sqlite
from radops.repository.objects.catalog import Catalog
from radops.repository.objects.sqlite import open_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]


def at_first_row(db: Any) -> Any:
    return db.execute("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT pause()")


WAYS: dict[str, Callable[[Any], object]] = {
    "execute": lambda db: db.execute("SELECT pause()"),
    "executemany": lambda db: db.executemany("INSERT INTO t VALUES (pause())", [()]),
    "executescript": lambda db: db.executescript("SELECT pause();"),
    "fetchone": lambda db: (rows := at_first_row(db), rows.fetchone(), rows.fetchone()),
    "fetchmany": lambda db: at_first_row(db).fetchmany(3),
    "fetchall": lambda db: at_first_row(db).fetchall(),
    "iteration": lambda db: list(at_first_row(db)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_fork_waits_for_a_thread_that_is_in_sqlite(way: Callable[[Any], object]) -> None:
    inside, left = threading.Event(), threading.Event()

    def pause() -> int:
        inside.set()
        time.sleep(0.3)
        left.set()
        return 1

    db = open_private()
    db.execute("CREATE TABLE t (a)")
    db._connection.create_function("pause", 0, pause)
    thread = threading.Thread(target=way, args=[db])
    thread.start()
    assert inside.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(0 if left.is_set() else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    db.close()


class Counted(sqlite.shielded):
    """Counts the blocks that were entered."""

    entered = 0

    def __enter__(self) -> None:
        Counted.entered += 1
        super().__enter__()


def test_what_is_dropped_in_the_middle_of_its_rows_is_ended_in_such_a_block(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    db = open_private()
    rows = rows_of_three(db)
    catalogue = Catalog(tmp_path / "catalog.sqlite")
    assert catalogue.rows(["a"]) == []  # so it has a connection
    monkeypatch.setattr(sqlite, "shielded", Counted)
    monkeypatch.setattr(cache_file, "shielded", Counted)
    for drop in ("rows", "db", "catalogue"):
        Counted.entered = 0
        if drop == "rows":
            del rows
        elif drop == "db":
            del db
        else:
            del catalogue
        gc.collect()
        assert Counted.entered, drop


def rows_of_three(db: Any) -> Any:
    rows = db.execute("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3")
    rows.fetchone()
    return rows


def test_what_is_dropped_during_a_fork_by_the_thread_that_forks_does_not_wait_for_it() -> None:
    """The garbage collector can run at any moment, also while this thread keeps others waiting."""
    done = threading.Event()

    class Dropping:
        def before_fork(self) -> None:
            rows = rows_of_three(open_private())
            del rows
            done.set()

        def after_fork(self) -> None: ...

    from radops.backends import forking  # noqa: PLC0415

    dropping = Dropping()
    forking.put_away_before_fork(dropping)
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert done.is_set()
