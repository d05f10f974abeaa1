"""What interrupted commands leave behind, beside objects: removed once it is old.

Only prefixes that radops knows are touched, and nothing that could be a last copy:
`quarantine/` is never cleared by itself.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops.format.record import FileRecord
from radops.format.uid import UID, check_stored_uid, folders_of
from radops.repository import layout
from radops.repository.objects.store import TMP
from radops.repository.refs.slots import Taken
from radops.repository.transfer.locks import remove_unheld

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from radops.backends.base import Backend
    from radops.repository.objects.store import LocalStore
    from radops.repository.refs.repository import Repository

# As for temporary files elsewhere: one of a process that runs may be written to days later, by
# a training that opened its output first. Those of processes that are gone go much sooner.
TEMPORARY_SECONDS = 7 * 24 * 3600.0

# A lease is good for at most an hour without a sign of life: one that is younger than two may be
# held, however short the grace.
_LEASE_SECONDS = 2 * 3600.0

# Keys deleted in one call: what S3 takes in one request.
_DELETE = 1000


def remove_leases(backend: Backend, grace: float, *, dry_run: bool, prefix: str = "") -> int:
    """Remove leases that were not renewed for a long time; return how many.

    Args:
        backend: Where.
        grace: Seconds, by the store's clock.
        dry_run: Only count them.
        prefix: What comes before `leases/`.
    """
    limit = backend.now() - max(grace, _LEASE_SECONDS)
    entries = backend.list(prefix + layout.LEASES)
    old = [entry.key for entry in entries if entry.modified <= limit]
    if not dry_run:
        for start in range(0, len(old), _DELETE):
            backend.delete(old[start : start + _DELETE])
    return len(old)


def clear_home(
    store: LocalStore, lakes: Iterable[Repository], limit: float, grace: float, *, dry_run: bool
) -> int:
    """Remove what old commands left in local storage; return how many files.

    Partial downloads, locks that are not held, scratch files, temporary files that are not
    written, and views of files that are no longer in the lake.

    Args:
        store: The objects of the home.
        lakes: All its lakes.
        limit: Remove what was not changed since; seconds since the epoch.
        grace: The age that this is.
        dry_run: Only count them.
    """
    found = 0
    for path in _old(store.root / TMP, ("partial-*", "gc-*"), limit):
        found += 1
        if not dry_run:
            _remove(path)
    for lake in lakes:
        for key in _lost_views(lake, limit):
            found += 1
            if not dry_run:
                store.remove_view(key)
    if not dry_run:
        found += remove_unheld(store.root / TMP / "locks", limit)
        found += store.backend.remove_stale(max(grace, TEMPORARY_SECONDS))
    return found


def _old(folder: Path, patterns: Iterable[str], limit: float) -> Iterator[Path]:
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            # What goes away meanwhile, or is another user's, is left alone.
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime <= limit:
                    yield path


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        import shutil  # noqa: PLC0415 - slow to import, and most commands do without

        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _lost_views(lake: Repository, limit: float) -> Iterator[str]:
    """Yield the keys of views of files that were deleted from the lake."""
    prefix = f"{lake.prefix}files/"
    for entry in lake.backend.list(prefix):
        try:
            uid = UID(check_stored_uid(entry.key[len(prefix) :]))
        except ValueError:
            continue  # not made by us
        if entry.modified > limit:
            continue
        if not _is_file(lake, uid):
            yield entry.key


def _is_file(lake: Repository, uid: UID) -> bool:
    """Return whether the lake has a file of that name, or a directory that may hold it."""
    state = lake.slots.state(uid)
    if isinstance(state, Taken) and isinstance(state.record, FileRecord):
        return True
    for above in folders_of(uid):
        state = lake.slots.state(above)
        if isinstance(state, Taken) and isinstance(state.record, FileRecord):
            return True
    return False
