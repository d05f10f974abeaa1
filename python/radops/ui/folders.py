"""Listings of any size, by the number of a row: a browser scrolls by position, lakes list by name.

Folders of the lake are listed whole, names only, and kept for some seconds; records are read for
the rows that are shown. A directory never changes: its names are walked once, after the answers to
requests, and every 500th is kept, so any row is found by reading one page.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from radops.errors import RemoteUnavailableError, UsageError

if TYPE_CHECKING:
    from radops.data_lake import DataLake, Listing

_STEP: Final = 500
_WALKED_AT_ONCE: Final = 8_000
# Names are walked for so long after a request: while a page is open, it asks again within this
# time.
_WALK_SECONDS: Final = 1.0
_FRESH_SECONDS: Final = 5.0
# A remote that does not answer is not asked again for so long, as each time a person waits.
_AWAY_SECONDS: Final = 30.0
_MOST_KEPT: Final = 16
MOST_ROWS: Final = 500


@dataclass(frozen=True)
class Page:
    """Some rows of a listing."""

    rows: list[Listing]
    start: int
    total: int
    """Rows in all, as far as is known."""
    is_complete: bool
    """Whether that is all of them."""
    note: str = ""
    """The note about the listing: why it is not whole."""


@dataclass
class _Walk:
    """The names of one folder of a directory: how many, and every 500th."""

    marks: list[str] = field(default_factory=lambda: [""])
    """The name before the first of each 500."""
    count: int = 0
    last: str = ""
    done: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held for a step."""
    going_on: threading.Lock = field(default_factory=threading.Lock)
    """Held by the thread that walks on after a request."""


@dataclass(frozen=True)
class _Listed:
    """A folder of the lake as it was listed."""

    until: float
    """Until when it is valid."""
    rows: list[Listing]
    note: str


class Folders:
    """Pages of what is in folders and directories. Thread-safe.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: DataLake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._listed: dict[tuple[str, bool], _Listed] = {}
        self._walks: dict[tuple[str, str], _Walk] = {}

    def page(self, at: str, start: int, most: int, *, generated: bool = False) -> Page:
        """Return rows of a folder, or of a directory.

        Args:
            at: Empty, a folder ending in `/`, or a directory or folder in one, ending in `/`.
            start: The first row.
            most: How many, at most `MOST_ROWS`.
            generated: Also files that radops named.

        Raises:
            UIDNotFoundError: There is no such folder.
        """
        most = min(most, MOST_ROWS)
        inside = self._inside(at, start, most) if at else None
        if inside is not None:
            return inside
        listed = self._names(at, generated=generated)
        rows = listed.rows
        shown = self._lake.details(rows[start : start + most])
        return Page(shown, start, len(rows), is_complete=True, note=listed.note)

    def _names(self, at: str, *, generated: bool) -> _Listed:
        with self._lock:
            kept = self._listed.get((at, generated))
        if kept is not None and time.monotonic() < kept.until:
            return kept
        seconds, note = _FRESH_SECONDS, ""
        try:
            rows = self._lake.ls(at, generated=generated)
        except RemoteUnavailableError as error:
            rows = self._lake.ls(at, generated=generated, where="local")
            seconds, note = _AWAY_SECONDS, f"{error.message}: only files of this machine are shown."
        listed = _Listed(time.monotonic() + seconds, rows, note)
        with self._lock:
            self._listed[at, generated] = listed
            while len(self._listed) > _MOST_KEPT:
                del self._listed[next(iter(self._listed))]
        return listed

    def _inside(self, at: str, start: int, most: int) -> Page | None:
        """Return rows of a directory; None if the folder is in none."""
        try:
            first = self._lake.entries(at, limit=1)
        except (UsageError, RemoteUnavailableError):
            return None  # in the second case the note of the listing reports it
        # The rows of a directory have its time: another directory of that name is another walk.
        walk = self._walk(at, first[0].created_at or "" if first else "")
        while not walk.done and walk.count < start + most:
            self._step(at, walk)
        with walk.lock:
            total, done = walk.count, walk.done
            mark = min(start // _STEP, len(walk.marks) - 1)
            after = walk.marks[mark]
        skip = start - mark * _STEP
        rows = self._lake.entries(at, after=after, limit=skip + most) if start < total else []
        return Page(rows[skip:], start, total, is_complete=done)

    def _walk(self, at: str, created_at: str) -> _Walk:
        with self._lock:
            walk = self._walks.pop((at, created_at), None) or _Walk()
            self._walks[at, created_at] = walk
            while len(self._walks) > _MOST_KEPT:
                del self._walks[next(iter(self._walks))]
        return walk

    def walk_on(self, at: str) -> None:
        """Count more names of a directory of which not all are counted, for a while."""
        with self._lock:
            walks = [walk for (place, _), walk in self._walks.items() if place == at]
        until = time.monotonic() + _WALK_SECONDS
        for walk in walks:
            if walk.going_on.acquire(blocking=False):
                try:
                    while not walk.done and time.monotonic() < until:
                        self._step(at, walk)
                finally:
                    walk.going_on.release()

    def _step(self, at: str, walk: _Walk) -> None:
        with walk.lock:
            if walk.done:
                return
            names = self._lake.names(at, after=walk.last, limit=_WALKED_AT_ONCE)
            # Each step is a multiple of what is kept, so marks are at the ends of whole steps.
            walk.marks += names[_STEP - 1 :: _STEP]
            walk.count += len(names)
            walk.last = names[-1] if names else walk.last
            walk.done = len(names) < _WALKED_AT_ONCE
