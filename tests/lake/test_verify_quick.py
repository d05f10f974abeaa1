"""Quick verification: what may be trusted by the stat of a file, and what may not."""

from __future__ import annotations

import os
import time

import pytest

from lake.tampering import kinds, object_of, overwrite, settle
from radops.data_lake import DataLake
from radops.errors import (
    CorruptObjectError,
)
from radops.repository.layout import object_key
from radops.repository.objects.catalog import Stamp


def test_quick_reads_only_what_changed(lake: DataLake, write) -> None:
    lake.add(write("a", b"one"), "a")
    lake.add(write("b", b"two"), "b")
    settle()
    lake.verify()
    assert lake.verify(quick=True).trusted == 2
    overwrite(object_of(lake, "a"), b"0ne")
    report = lake.verify(quick=True)
    assert (report.trusted, kinds(report)) == (1, ["bytes"])


def test_quick_does_not_trust_a_check_made_in_the_instant_of_the_change(
    lake: DataLake, write
) -> None:
    lake.add(write("a", b"one"), "a")
    path = object_of(lake, "a")
    os.utime(path)
    lake.session.store.catalog.remember([], 0)
    changed = path.stat().st_ctime_ns
    lake.verify()  # checked within the clock's granularity of the last change
    if time.time_ns() - changed < 50_000_000:  # not on a machine that is busy
        assert lake.verify(quick=True).trusted == 0
    settle()
    lake.verify()
    assert lake.verify(quick=True).trusted == 1


def test_after_the_clock_was_set_back_nothing_is_trusted(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.add(write("a", b"one"), "a")
    settle()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 3600 * 10**9)
    lake.verify()  # notes a check that is older than the file
    report = lake.verify(quick=True)
    assert (report.ok, report.trusted) == (True, 0)
    monkeypatch.undo()
    lake.verify()
    assert lake.verify(quick=True).trusted == 1


def test_a_flip_that_the_stat_does_not_show_is_found_in_full_and_not_served_after(
    lake: DataLake, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.add(write("a", b"one"), "a")
    settle()
    lake.verify()
    path = object_of(lake, "a")
    # As if the disk had done it: the catalogue knows the stat of the bad file.
    overwrite(path, b"0ne")
    status = path.stat()
    digest = lake.info("a").digest
    store = lake.session.store
    row = (object_key(digest), Stamp.of(status), digest)
    store.catalog.remember([row], time.time_ns() + 10**9)
    assert lake.verify(quick=True).trusted == 1
    assert kinds(lake.verify()) == ["bytes"]
    assert kinds(lake.verify(quick=True)) == ["bytes"]
    with pytest.raises(CorruptObjectError):
        lake.path("a")
