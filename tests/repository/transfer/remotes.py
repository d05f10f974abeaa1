"""A remote that serves slowly, or stops; and the partial files of a store."""

from __future__ import annotations

import threading
import time

from radops.backends.memory import MemoryBackend
from radops.errors import RemoteUnavailableError
from radops.format.digest import Digest
from radops.native import hash_bytes
from radops.repository import layout
from radops.repository.objects.store import LocalStore


def ignore(_bytes: int, _files: int) -> None: ...


class Remote(MemoryBackend):
    """Serves some connections at once, slowly if asked; may stop after so many blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.delay = 0.0
        self.stop_after: int | None = None
        self.at_once = self.peak = 0
        self.lock = threading.Lock()
        self.before = lambda: None

    @property
    def max_connections(self) -> int:
        return 8

    def stock(self, data: bytes, *, outline: bool = True) -> tuple[Digest, int]:
        raw, values = hash_bytes(data)
        digest = Digest(raw)
        self.put([(layout.object_key(digest), data)])
        if outline:
            self.put([(layout.outline_key(digest), values)])
        return digest, len(data)

    def open(self, key, start=0, length=None):
        with self.lock:
            self.at_once += 1
            self.peak = max(self.peak, self.at_once)
            if self.stop_after is not None and key.startswith("objects/"):
                self.stop_after -= 1
                if self.stop_after < 0:
                    self.at_once -= 1
                    raise RemoteUnavailableError("gone")
        try:
            if key.startswith("objects/"):
                self.before()
            time.sleep(self.delay)
            return super().open(key, start, length)
        finally:
            with self.lock:
                self.at_once -= 1


def names(store: LocalStore) -> list[str]:
    return sorted(path.name for path in (store.root / "tmp").glob("partial-*"))
