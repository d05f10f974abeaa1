"""Runs that were fetched, on the disk of this host, for all processes that read them.

Safe to remove at any time, also while it is used: readers verify what they read, and fetch what is
missing or wrong. There are advisory locks only, which end with the process that holds them. A
process that is killed leaves at most one unfinished file per run, which the next writer of the run
replaces.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from radops.backends.forking import LockDescriptors
from radops.errors import LocalStorageError
from radops.integrations.torch.openness import Openness
from radops.streams import UNFINISHED, USED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# How many lock files there are, so that they are few whatever the number of runs.
_LOCKS: Final = 64
# Room is made for more than one run at once.
_KEPT: Final = 0.9
_PER_FOLDER: Final = 4096
# The folder with data about a data set. Runs are in folders with numbers.
_NOTES: Final = "notes"
_CHECKSUM: Final = 32
# Errors of the system if a file's time cannot be set; the file can still be read.
_UNTOUCHABLE: Final = frozenset((errno.EACCES, errno.EPERM, errno.EROFS))


class RunCache:
    """The runs of one data set in the cache of this host.

    Args:
        root: The folder of all data sets' runs, whose size is bounded.
        key: What identifies the data set and how it is cut into runs; a file name.
        limit: Bytes of all files below `root`, at most.
    """

    def __init__(self, root: Path, key: str, limit: int) -> None:
        self._root = root
        self._folder = root / key
        self._limit = limit
        self._openness = Openness(root)

    def path(self, run: int) -> Path:
        """Return where the bytes of a run are, if they are there."""
        return Path(self._path(run))

    def _path(self, run: int) -> str:
        # As text: this is for every sample, and a `Path` takes as long as reading one.
        return f"{self._folder}/{run // _PER_FOLDER:x}/{run:x}"

    def has(self, run: int) -> bool:
        """Return whether a run is there; it counts as used now."""
        try:
            os.utime(self._path(run))
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno not in _UNTOUCHABLE:
                raise LocalStorageError(f"{self.path(run)}: {error.strerror}") from error
            return os.path.exists(self._path(run))  # noqa: PTH110 - for every sample
        return True

    def read(self, run: int, item: int) -> bytes | None:
        """Return an item of a run, not verified; None if it is not there.

        A run is a file as `FileIndex.read_all` returns it.
        """
        path = self._path(run)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LocalStorageError(f"{path}: {error.strerror}") from error
        try:
            header = os.pread(handle, 16, 8 * item)
            if len(header) < 16:
                return None
            start, end = struct.unpack("<QQ", header)
            return os.pread(handle, max(0, end - start), start)
        except (OverflowError, MemoryError):  # numbers that were damaged
            return None
        except OSError as error:
            raise LocalStorageError(f"{path}: {error.strerror}") from error
        finally:
            os.close(handle)

    def drop(self, run: int) -> None:
        """Forget a run whose bytes are wrong."""
        with contextlib.suppress(FileNotFoundError):
            self.path(run).unlink()

    def fill(self, run: int, size: int, fetch: Callable[[Path], None]) -> None:
        """Make sure that a run is there. Of several processes that want it, one fetches it.

        Args:
            run: Which one.
            size: About how many bytes it has.
            fetch: Writes the run's bytes into a file that it makes.

        Raises:
            LocalStorageError: The disk is full, or cannot be written to.
        """
        try:
            self._fill(run, size, fetch)
        except LocalStorageError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            self._fill(run, size, fetch)  # the cache was removed meanwhile

    def _fill(self, run: int, size: int, fetch: Callable[[Path], None]) -> None:
        path = self.path(run)
        try:
            self._openness.make(path.parent)
            with self._locked(f"run-{run % _LOCKS}"):
                if path.exists():
                    return
                unfinished = path.with_name(path.name + UNFINISHED)
                unfinished.unlink(missing_ok=True)
                self._take(size)
                fetch(unfinished)
                self._take(max(0, unfinished.stat().st_size - size))
                self._openness.share(unfinished)
                unfinished.replace(path)
        except OSError as error:
            if isinstance(error, LocalStorageError) or error.filename is None:
                raise
            raise LocalStorageError(f"{error.filename}: {error.strerror}") from error

    # -- what is known of the data -----------------------------------------------------------------

    def keep(self, name: str, data: bytes) -> None:
        """Keep what was found out about the data set, if there is room; errors are ignored."""
        path = self._folder / _NOTES / name
        unfinished = path.with_name(f"{name}-{os.getpid()}{UNFINISHED}")
        with contextlib.suppress(OSError, LocalStorageError):
            self._openness.make(path.parent)
            self._take(len(data) + _CHECKSUM)
            unfinished.write_bytes(data + _checksum(data))
            self._openness.share(unfinished)
            unfinished.replace(path)

    def kept(self, name: str) -> bytes | None:
        """Return what was kept by that name; None if it is not there, or was damaged since."""
        try:
            found = (self._folder / _NOTES / name).read_bytes()
        except OSError:
            return None
        data, checksum = found[:-_CHECKSUM], found[-_CHECKSUM:]
        return data if _checksum(data) == checksum else None

    # -- room ------------------------------------------------------------------------------------

    def _take(self, size: int) -> None:
        """Count bytes that are about to be written, after making room for them if need be.

        What is counted and then not written, as by a kill, is found out when room is made.
        """
        if size == 0:
            return
        with self._locked(USED):
            counter = self._root / USED
            try:
                used = int(counter.read_text())
            except (FileNotFoundError, ValueError):
                used = self._limit  # not known: count
            if used + size > self._limit:
                used = self._make_room(size)
            counter.write_text(str(used + size))
            self._openness.share(counter)

    def _make_room(self, size: int) -> int:
        """Remove runs until there is room; return the bytes of what stays."""
        found = sorted(self._files())
        used = sum(length for _, length, _ in found)
        target = min(self._limit - size, int(self._limit * _KEPT))
        for _, length, path in found:
            if used <= target:
                break
            if not path.name.endswith(UNFINISHED):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                used -= length
        return used

    def _files(self) -> Iterator[tuple[int, int, Path]]:
        """Yield time of last use, size and path of every run."""
        for path in self._root.glob("*/*/*"):
            with contextlib.suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime_ns, found.st_size, path

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        self._openness.make(self._root)
        path = self._root / f".{name}.lock"
        descriptors = LockDescriptors()
        try:
            handle = descriptors.open(
                lambda: os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            )
            self._openness.share(handle)
            with contextlib.suppress(OSError):  # without locks some runs are fetched twice
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            descriptors.close()


def _checksum(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_CHECKSUM).digest()
