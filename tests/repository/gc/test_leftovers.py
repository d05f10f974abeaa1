"""Leases and locks that nobody uses any more."""

from __future__ import annotations

from radops.repository import layout
from radops.repository.gc.leftovers import remove_leases
from radops.repository.transfer.locks import holding, remove_unheld
from repository.bucket import GRACE, Bucket


def test_old_leases_go(bucket: Bucket) -> None:
    bucket.store.put([(f"{layout.LEASES}old/1", b""), (f"{layout.LEASES}held/1", b"")])
    bucket.wait()
    bucket.store.put([(f"{layout.LEASES}held/1", b"beat")])
    assert remove_leases(bucket.store, GRACE, dry_run=True) == 1
    assert remove_leases(bucket.store, GRACE, dry_run=False) == 1
    assert bucket.keys == [f"{layout.LEASES}held/1"]
    # However short the grace, one that may be held stays.
    assert remove_leases(bucket.store, 0, dry_run=False) == 0


def test_locks_go_unless_somebody_holds_them(tmp_path) -> None:
    with holding(tmp_path, ["old"]):
        pass
    with holding(tmp_path, ["held"]):
        assert remove_unheld(tmp_path, float("inf")) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["held"]
    assert remove_unheld(tmp_path, 0) == 0
    assert remove_unheld(tmp_path / "nowhere", float("inf")) == 0
