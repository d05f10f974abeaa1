"""Backends that go wrong, around one that works: not mocks, everything else is real.

All count *operations*: one key of a batch, one part of an upload, one page... whatever a crash
can fall between. Batches are split for that.

    backend = CrashingBackend(FolderBackend(root), after=7)
    with pytest.raises(Crash):
        add(lake_on(backend), ...)
    check(FolderBackend(root))
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import override

from radops.backends.base import Backend, Entry, KeyNotFoundError, Reader, Upload, check_key
from radops.errors import RemoteUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from radops.backends.base import Part

T = TypeVar("T")

WRITES = frozenset(("put", "create", "write", "commit", "move", "delete"))
"""Operations after which the store is another."""


class Crash(BaseException):
    """The end of the process: no code may catch it and continue."""


class WrapperBackend(Backend):
    """Passes every operation on through `_do`, which subclasses override.

    Operations are named stat, open, put, create, upload, write, commit, abort, list, move,
    delete, flush. `now`, `remove_stale` and `close` are passed on without it.
    """

    def __init__(self, inner: Backend) -> None:
        self.inner = inner

    def _do(self, name: str, key: str, action: Callable[[], T]) -> T:
        return action()

    @property
    @override
    def url(self) -> str:
        return self.inner.url

    @property
    @override
    def is_local(self) -> bool:
        return self.inner.is_local

    @property
    @override
    def max_connections(self) -> int:
        return self.inner.max_connections

    @override
    def stat(self, key: str) -> Entry | None:
        return self._do("stat", key, lambda: self.inner.stat(key))

    @override
    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        return self._do("open", key, lambda: self.inner.open(key, start, length))

    @override
    def put(self, items: Sequence[tuple[str, bytes]]) -> None:
        for key, _ in items:
            check_key(key)  # a batch with a wrong key is refused whole
        for item in items:
            self._do("put", item[0], lambda item=item: self.inner.put([item]))

    @override
    def create(self, items: Sequence[tuple[str, bytes]]) -> list[bool]:
        for key, _ in items:
            check_key(key)
        return [
            self._do("create", item[0], lambda item=item: self.inner.create([item])[0])
            for item in items
        ]

    @override
    def upload(self, key: str, size: int) -> Upload:
        inner = self._do("upload", key, lambda: self.inner.upload(key, size))
        return _WrapperUpload(self, key, inner)

    @override
    def list(self, prefix: str, *, recursive: bool = True) -> Iterator[Entry]:
        return self._do("list", prefix, lambda: self.inner.list(prefix, recursive=recursive))

    @override
    def move(self, source: str, target: str) -> None:
        self._do("move", source, lambda: self.inner.move(source, target))

    def move_all(self, pairs: Sequence[tuple[str, str]]) -> list[bool]:
        """Do as a folder does, one by one."""
        moved = []
        for source, target in pairs:
            try:
                self.move(source, target)
            except KeyNotFoundError:
                moved.append(False)
            else:
                moved.append(True)
        return moved

    @override
    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._do("delete", key, lambda key=key: self.inner.delete([key]))

    @override
    def now(self) -> float:
        return self.inner.now()

    @override
    def include(self, keys: Sequence[str]) -> None:
        self.inner.include(keys)

    @override
    def flush(self) -> None:
        self._do("flush", "", self.inner.flush)

    @override
    def remove_stale(self, grace: float, below: Sequence[str] = ("",)) -> int:
        return self.inner.remove_stale(grace, below)

    @override
    def close(self) -> None:
        self.inner.close()


class _WrapperUpload(Upload):
    def __init__(self, backend: WrapperBackend, key: str, inner: Upload) -> None:
        self._backend = backend
        self._key = key
        self._inner = inner

    @property
    @override
    def part_size(self) -> int:
        return self._inner.part_size

    @override
    def write(self, number: int, part: Part) -> None:
        self._backend._do("write", self._key, lambda: self._inner.write(number, part))

    @override
    def commit(self) -> None:
        self._backend._do("commit", self._key, self._inner.commit)

    @override
    def abort(self) -> None:
        self._backend._do("abort", self._key, self._inner.abort)


class CountingBackend(WrapperBackend):
    """Notes every operation."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.operations: list[tuple[str, str]] = []
        """Name and key (of a listing: the prefix), in the order in which they began."""

    @override
    def _do(self, name: str, key: str, action: Callable[[], T]) -> T:
        self.operations.append((name, key))
        return action()

    def counts(self) -> Counter[str]:
        """Return how often each operation was done."""
        return Counter(name for name, _ in self.operations)


class _NthBackend(WrapperBackend):
    """Counts the operations of some names, from 1."""

    def __init__(self, inner: Backend, names: frozenset[str] | None) -> None:
        super().__init__(inner)
        self._names = names
        self._lock = threading.Lock()
        self.done = 0

    def _count(self, name: str) -> int:
        """Return which operation this is; 0 for one that does not count."""
        if self._names is not None and name not in self._names:
            return 0
        with self._lock:
            self.done += 1
            return self.done


class FailingBackend(_NthBackend):
    """Raises instead of doing the Nth operation, and so many after it.

    Args:
        inner: The backend that works.
        at: Which operation fails, counted from 1.
        error: What is raised.
        names: Count only these operations, such as `WRITES`.
        times: How many fail in a row.

    """

    def __init__(
        self,
        inner: Backend,
        *,
        at: int,
        error: BaseException | None = None,
        names: frozenset[str] | None = None,
        times: int = 1,
    ) -> None:
        super().__init__(inner, names)
        self._failing = range(at, at + times)
        self._error = error or RemoteUnavailableError(f"{inner.url} cannot be reached (injected)")

    @override
    def _do(self, name: str, key: str, action: Callable[[], T]) -> T:
        if self._count(name) in self._failing:
            raise self._error
        return action()


class CrashingBackend(_NthBackend):
    """Ends the process after N operations were done: every later one raises `Crash`.

    Without `names` only writes count: between two reads the store is the same. After 0, not
    even the first is done.
    """

    def __init__(
        self, inner: Backend, *, after: int, names: frozenset[str] | None = WRITES
    ) -> None:
        super().__init__(inner, names)
        self._after = after

    @override
    def _do(self, name: str, key: str, action: Callable[[], T]) -> T:
        if self.done > self._after or self._count(name) > self._after:
            raise Crash(f"before {name} {key}")
        return action()


class LossyBackend(_NthBackend):
    """Does the Nth create or put, and then says that the store cannot be reached."""

    def __init__(
        self,
        inner: Backend,
        *,
        at: int,
        names: frozenset[str] = frozenset(("create", "put")),
    ) -> None:
        super().__init__(inner, names)
        self._at = at

    @override
    def _do(self, name: str, key: str, action: Callable[[], T]) -> T:
        number = self._count(name)
        answer = action()
        if number == self._at:
            raise RemoteUnavailableError(f"{self.inner.url} cannot be reached (reply lost)")
        return answer


class CorruptingBackend(WrapperBackend):
    """Changes what is read, not what is stored.

    Args:
        inner: The backend that works.
        keys: Only keys in which this pattern is found.
        change: What becomes of the bytes of one `open`: `flip_last`, `truncate`, or another.
        times: How many reads are changed; None for all.

    """

    def __init__(
        self,
        inner: Backend,
        keys: str,
        change: Callable[[bytes], bytes],
        *,
        times: int | None = None,
    ) -> None:
        super().__init__(inner)
        self._keys = re.compile(keys)
        self._change = change
        self._times = times

    @override
    def open(self, key: str, start: int = 0, length: int | None = None) -> Reader:
        reader = super().open(key, start, length)
        if not self._keys.search(key) or self._times == 0:
            return reader
        if self._times is not None:
            self._times -= 1
        with reader:
            return _BytesReader(self._change(reader.read()))


class _BytesReader(Reader):
    def __init__(self, data: bytes) -> None:
        self._data = data

    @override
    def read(self, size: int = -1, /) -> bytes:
        size = len(self._data) if size < 0 else size
        data, self._data = self._data[:size], self._data[size:]
        return data

    @override
    def close(self) -> None:
        self._data = b""


def flip_last(data: bytes) -> bytes:
    """Flip a bit of the last byte."""
    return data[:-1] + bytes([data[-1] ^ 1]) if data else data


def truncate(data: bytes) -> bytes:
    """Leave out the last byte."""
    return data[:-1]
