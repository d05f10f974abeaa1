"""A backend in memory: for tests, and for exploring protocols one operation at a time."""

from __future__ import annotations

import io
import threading
import time
from typing import TYPE_CHECKING

from typing_extensions import override

from radops.backends.base import Backend, Entry, KeyNotFoundError, Upload, check_key
from radops.backends.forking import renew_after_fork
from radops.backends.parts import PART_SIZE, Parts, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from radops.backends.base import Part, Reader


class MemoryBackend(Backend):
    """A dict under a lock.

    Each operation takes effect at one instant, in the thread that calls; a batch item by item,
    in order. Nothing depends on time, hashing or thread scheduling: the same calls give the
    same answers, and listings are sorted.

    Args:
        name: What `url` shows.
        clock: Gives `Entry.modified` and `now`, in seconds since the epoch.
        part_size: Bytes of a part of an upload; small ones make small tests.

    """

    def __init__(
        self,
        name: str = "memory",
        *,
        clock: Callable[[], float] = time.time,
        part_size: int = PART_SIZE,
    ) -> None:
        self._name = name
        self._clock = clock
        self._part_size = part_size
        self._items: dict[str, tuple[bytes, float]] = {}
        self._lock = threading.Lock()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Replace the lock, which a thread of the parent may hold."""
        self._lock = threading.Lock()

    @property
    @override
    def url(self) -> str:
        return f"memory://{self._name}"

    @property
    @override
    def is_local(self) -> bool:
        return True

    @property
    @override
    def max_connections(self) -> int:
        return 1

    def snapshot(self) -> dict[str, bytes]:
        """Return a copy of everything that is stored, for checkers."""
        with self._lock:
            return {key: body for key, (body, _) in self._items.items()}

    @override
    def stat(self, key: str) -> Entry | None:
        with self._lock:
            item = self._items.get(key)
        return None if item is None else Entry(key, len(item[0]), item[1])

    @override
    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        if start < 0 or (length is not None and length < 0):
            raise ValueError(f"{key}: no bytes at {start} + {length}")
        with self._lock:
            item = self._items.get(key)
        if item is None:
            raise KeyNotFoundError(key)
        return io.BytesIO(item[0][start : None if length is None else start + length])

    @override
    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        for key, _ in items:
            check_key(key)
        for key, body in items:
            self._store(key, bytes(body))

    @override
    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        for key, _ in items:
            check_key(key)
        answers = []
        for key, body in items:
            with self._lock:
                absent = key not in self._items
                if absent:
                    self._items[key] = bytes(body), self._clock()
            answers.append(absent)
        return answers

    @override
    def upload(self, key: str, size: int) -> Upload:
        return _MemoryUpload(self, Parts(check_key(key), size, self._part_size))

    @override
    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        with self._lock:
            found = [
                Entry(key, len(body), modified)
                for key, (body, modified) in self._items.items()
                if key.startswith(prefix)
            ]
        found.sort()
        seen = ""
        for entry in found:
            head, slash, _ = entry.key[len(prefix) :].partition("/")
            if recursive or not slash:
                yield entry
            elif (common := prefix + head + slash) != seen:
                seen = common
                yield Entry(common, 0, 0.0)

    @override
    def move(self, source: str, target: str) -> None:
        check_key(target)
        with self._lock:
            if source not in self._items:
                raise KeyNotFoundError(source)
            self._items[target] = self._items.pop(source)

    @override
    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with self._lock:
                self._items.pop(key, None)

    @override
    def now(self) -> float:
        return self._clock()

    @override
    def include(self, keys: Sequence[str]) -> None:
        """Do nothing, as `flush` does."""

    @override
    def flush(self) -> None:
        """Do nothing: memory survives no loss of power."""

    @override
    def remove_stale(self, grace: float, below: Sequence[str] = ("",)) -> int:
        return 0

    @override
    def close(self) -> None:
        """Keep what is stored: the same object may be opened again by its name."""

    def _store(self, key: str, body: bytes) -> None:
        with self._lock:
            self._items[key] = body, self._clock()


class _MemoryUpload(Upload):
    def __init__(self, backend: MemoryBackend, parts: Parts) -> None:
        self._backend = backend
        self._parts = parts
        self._bodies: dict[int, bytes] | None = {}

    @property
    @override
    def part_size(self) -> int:
        return self._parts.part_size

    @override
    def write(self, number: int, part: Part) -> None:
        self._parts.check(number, len(part))
        self._parts.begin(number)
        body = b"".join(chunks(part, self._parts.key))
        if self._bodies is None:
            raise ValueError(f"{self._parts.key}: the upload is over")
        self._bodies[number] = body
        self._parts.arrived(number)

    @override
    def commit(self) -> None:
        if self._bodies is None:
            raise ValueError(f"{self._parts.key}: the upload is over")
        self._parts.check_complete()
        body = b"".join(self._bodies[number] for number in range(self._parts.count))
        self._backend._store(self._parts.key, body)  # noqa: SLF001
        self._bodies = None

    @override
    def abort(self) -> None:
        self._bodies = None
