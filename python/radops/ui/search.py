"""Search as one types: by the lake's index of words, and by any part of a name."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from radops.errors import RemoteUnavailableError

if TYPE_CHECKING:
    from radops.data_lake import DataLake

_FRESH_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Hit:
    """A file that was found."""

    uid: str
    note: str = ""
    """What it is or what made it, in one line."""
    tags: tuple[str, ...] = ()


class Search:
    """Finds files by words in what is known of them. Thread-safe.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: DataLake) -> None:
        self._lake = lake
        self._lock = threading.Lock()
        self._names: list[tuple[str, str]] = []
        self._listed: float | None = None
        self._indexing = threading.Lock()
        self._is_indexed = False

    def find(self, words: str, most: int = 20, *, wait: bool = True) -> list[Hit]:
        """Return what the index of words finds, the best first, then other names with all words.

        Names of the remote are those of the last `freshen`.

        Args:
            words: Some words, or beginnings of words; upper and lower case are the same.
            most: How many.
            wait: If there is no index yet, wait until it is made, which takes some ten seconds for
                100,000 names; else only names are searched until then.
        """
        wanted = words.casefold().split()
        if not wanted:
            return []
        self._list()
        if wait:
            self._index()
        found = self._in_index(words, most) if self._is_indexed else []
        hits = {hit.uid: hit for hit in found}
        for folded, uid in self._names:
            if len(hits) >= most:
                break
            if all(one in folded for one in wanted):
                hits.setdefault(uid, Hit(uid))
        return list(hits.values())[:most]

    def freshen(self) -> None:
        """List and index all names, at most every two minutes; searches need not wait for it."""
        again = self._list(_FRESH_SECONDS)
        self._index(again=again)

    def _list(self, seconds: float = math.inf) -> bool:
        """List all names, if they were not within so many seconds; return whether it was done."""
        with self._lock:
            now = time.monotonic()
            if self._listed is not None and now - self._listed <= seconds:
                return False
            try:
                rows = self._lake.ls(recursive=True)
            except RemoteUnavailableError:
                rows = self._lake.ls(recursive=True, where="local")
            uids = sorted((row.uid for row in rows), key=lambda uid: (len(uid), uid))
            self._names = [(uid.casefold(), uid) for uid in uids]
            self._listed = time.monotonic()
            return True

    def _index(self, *, again: bool = False) -> None:
        """Update the index from the remote, once or again."""
        with self._indexing:
            if again or not self._is_indexed:
                with contextlib.suppress(RemoteUnavailableError):
                    self._lake.search("*", limit=1, refresh=True)
                self._is_indexed = True

    def _in_index(self, words: str, most: int) -> list[Hit]:
        return [
            Hit(one.uid, one.description.partition("\n")[0] or one.function, tuple(one.tags))
            for one in self._lake.search(words, limit=most)
        ]
