"""Objects on the local disk: taking files in, proving them, handing out paths.

Bytes enter `objects/` only by rename, after their digest was computed from what lies on this
disk. Everything here is shared by all lakes of a home.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from radops import native
from radops.errors import CorruptObjectError, FileChangedError, LocalStorageError, RadopsError
from radops.model.digest import Digest
from radops.model.outline import BLOCK_SIZE, check_outline
from radops.repository import layout, views
from radops.repository.catalog import Catalog, Stamp
from radops.repository.lending import Lent, lend
from radops.repository.transfer import threads
from radops.repository.trash import take_back
from radops.repository.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from radops.backends.folder import FolderBackend

TMP = "tmp"
CATALOG = "catalog.sqlite"
QUARANTINE = "quarantine"

# Objects of which a process remembers by itself that they are good, some 400 bytes each.
_MOST_PROVEN = 100_000

# Temporary files of another host, whose processes we cannot see, are left alone this long.
_STALE_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Staged:
    """A finished file in `tmp/`, hashed where it lies, on its way into `objects/`."""

    path: Path
    digest: Digest
    size: int
    outline: bytes
    """Empty where the file has one block."""
    mtime_ns: int | None = None
    """For a file that others may still have open: when it had last changed as it was hashed."""
    lent: Lent | None = None
    """For a file that is still the source of a move as well: the source, to be given back."""


class LocalStore:
    """The objects of one home.

    Args:
        backend: The folder backend over `<home>/storage`.
    """

    def __init__(self, backend: FolderBackend) -> None:
        self.backend = backend
        self.root = backend.root
        self.catalog = Catalog(self.root / CATALOG)
        self.usage = Usage(self.catalog)
        self._proven: dict[Digest, Stamp] = {}
        self._swept = False

    def temporary(self) -> Path:
        """Return a fresh path in `tmp/`; nothing stands there yet."""
        return self.temporaries(1)[0]

    def temporaries(self, count: int) -> list[Path]:
        """Return fresh paths in `tmp/`; nothing stands there yet."""
        if not self._swept:
            self._swept = True
            self.backend.remove_stale(_STALE_SECONDS)
        return self.backend.new_temporaries(count)

    # -- taking in ---------------------------------------------------------------------------

    def stage_copies(
        self, sources: Sequence[Path], progress: native.Progress | None = None
    ) -> list[Staged | RadopsError]:
        """Copy files into `tmp/`, hashing what is written. A failure stands in its file's place."""
        pairs = list(zip(sources, self.temporaries(len(sources)), strict=True))
        results = native.copy_files(pairs, threads=threads(), progress=progress)
        return [
            _staged(target, result)
            if isinstance(result, native.FileHash)
            else _wrap(result, source)
            for (source, target), result in zip(pairs, results, strict=True)
        ]

    def stage_links(
        self, sources: Sequence[Path], progress: native.Progress | None = None
    ) -> list[Staged | RadopsError]:
        """Take files for a move: a second name in `tmp/` where that can be, else a copy.

        The source stays until the caller removes it, after the commit: a crash in between
        loses nothing. If there is no commit, the caller calls `give_back`.
        """
        staged: list[Staged | RadopsError | None] = [None] * len(sources)
        linked: list[tuple[int, Path, Lent | None]] = []
        try:
            for index, source in enumerate(sources):
                target = self.temporary()
                try:
                    lent = lend(source, target)
                except OSError:
                    # A copy follows a link, or says why the file cannot be taken.
                    target.unlink(missing_ok=True)
                    staged[index] = self.stage_copies([source], progress)[0]
                else:
                    linked.append((index, target, lent))
            paths = [target for _, target, _ in linked]
            hashes = native.hash_files(paths, threads=threads(), progress=progress)
        except BaseException:
            self.discard(target for _, target, _ in linked)
            self.discard(one for one in staged if isinstance(one, Staged))
            raise
        for (index, target, lent), result in zip(linked, hashes, strict=True):
            if isinstance(result, native.FileHash):
                staged[index] = replace(
                    _staged(target, result), mtime_ns=result.mtime_ns, lent=lent
                )
            else:
                target.unlink(missing_ok=True)
                staged[index] = _wrap(result, sources[index])
        return [item for item in staged if item is not None]

    def stage_written(self, path: Path) -> Staged:
        """Hash a file that was written to a path from `temporary`.

        Where it has a second name, a copy is taken: that name is somebody's to write to.
        """
        with _disk_errors(path):
            if path.stat().st_nlink > 1:
                copy = self.temporary()
                copied = _staged(copy, native.copy_file(path, copy))
                path.unlink()
                return copied
            path.chmod(0o444)
            return _staged(path, native.hash_file(path))

    def stage_bytes(self, data: bytes) -> Staged:
        """Write bytes to `tmp/`."""
        path = self.temporary()
        digest, outline = native.hash_bytes(data)
        with _disk_errors(path):
            try:
                path.write_bytes(data)
                path.chmod(0o444)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return Staged(path, Digest(digest), len(data), outline)

    def discard(self, staged: Iterable[Staged | Path]) -> None:
        """Remove temporary files; those that are gone are no error."""
        for item in staged:
            path = item.path if isinstance(item, Staged) else item
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def admit(self, staged: Sequence[Staged]) -> None:
        """Move staged files into `objects/`, durably: contents and outlines first, then names.

        What stood under a digest before is replaced, in one step, by bytes that were just
        hashed; so nothing found in place needs to be trusted.
        """
        for item in staged:
            _check_unchanged(item)
        began = time.time_ns()
        chosen = {item.digest: item for item in staged}
        items = chosen.values()
        try:
            self.backend.adopt([(item.path, layout.object_key(item.digest)) for item in items])
            outlines = [(layout.outline_key(i.digest), i.outline) for i in items if i.outline]
            self.backend.put(outlines)
            self.backend.flush()
        except BaseException:
            self.give_back(items)
            raise
        self.discard(item for item in staged if chosen[item.digest] is not item)
        self._note([item.digest for item in items], began)
        self._drop_quarantined(item.digest for item in items)

    def give_back(self, staged: Iterable[Staged]) -> None:
        """Undo a move that came to nothing: sources are as they were, no object shares a file.

        The objects stay, as copies: others may build on them already. Only where there is no
        room for a copy does a source remain what it has become, read-only.
        """
        lent = [item for item in staged if item.lent is not None]
        self.discard(lent)
        with contextlib.suppress(OSError, RadopsError):
            self._separate([item for item in lent if self._is_shared(item)])
        for item in lent:
            if item.lent is not None and not self._is_shared(item):
                with contextlib.suppress(OSError):
                    item.lent.restore()

    def _is_shared(self, item: Staged) -> bool:
        return item.lent is not None and item.lent.is_at(self.object_path(item.digest))

    def _separate(self, items: Sequence[Staged]) -> None:
        """Make objects that are still the sources of a move files of their own."""
        if not items:
            return
        copies = self.temporaries(len(items))
        pairs = [
            (self.object_path(item.digest), copy) for item, copy in zip(items, copies, strict=True)
        ]
        good, bad = [], []
        try:
            copied = native.copy_files(pairs, threads=threads())
            for item, copy, result in zip(items, copies, copied, strict=True):
                key = layout.object_key(item.digest)
                if isinstance(result, native.FileHash):
                    if result.digest == item.digest.raw:
                        good.append((copy, key))
                    else:  # somebody wrote to it while it had two names
                        bad.append(key)
            self.backend.adopt(good)
            self.backend.delete(bad)
            self.backend.flush()
        finally:
            self.discard(copies)
        for item in items:
            self.distrust(item.digest)

    def _note(self, digests: Iterable[Digest], began: int) -> None:
        rows = []
        keys = {digest: layout.object_key(digest) for digest in digests}
        for (digest, key), found in zip(keys.items(), self._look(keys.values()), strict=True):
            if isinstance(found, tuple):
                stamp = Stamp(*found)
                self._trust(digest, stamp)
                rows.append((key, stamp, digest))
        self.catalog.remember(rows, began)

    def _look(self, keys: Iterable[str]) -> list[tuple[int, int, int, int] | OSError | None]:
        return native.stat_files([f"{self.root}/{key}" for key in keys], threads=threads())

    # -- finding and proving -----------------------------------------------------------------

    def object_path(self, digest: Digest) -> Path:
        """Return where the object's bytes are, or would be."""
        return self.root / layout.object_key(digest)

    def has(self, digest: Digest, size: int) -> bool:
        """Say whether an object of that digest and size stands here, without reading it."""
        try:
            status = os.stat(f"{self.root}/{layout.object_key(digest)}")  # noqa: PTH116 - quick
        except OSError:
            return False
        return status.st_size == size

    def is_here(self, digest: Digest, size: int) -> bool:
        """Like `has`, and bring the object back if the collector has put it into the trash."""
        return self.has(digest, size) or self.take_back(digest)

    def lost(self, objects: Sequence[tuple[Digest, int]]) -> set[Digest]:
        """Return the objects of many that are not here, nor in the collector's trash."""
        found = self._look(layout.object_key(digest) for digest, _ in objects)
        return {
            digest
            for (digest, size), status in zip(objects, found, strict=True)
            if not (isinstance(status, tuple) and status[0] == size)
            and not self.is_here(digest, size)
        }

    def size(self, digest: Digest) -> int:
        """Return the size of an object that stands here.

        Raises:
            CorruptObjectError: It does not.
        """
        entry = self.backend.stat(layout.object_key(digest))
        if entry is None:
            raise CorruptObjectError(f"object {digest} is missing in local storage")
        return entry.size

    def proven(self, digest: Digest, size: int) -> Path | None:
        """Return the path of the object, proven; None if it is not here.

        An unchanged stat since the last check is proof; else the bytes are hashed.

        Raises:
            CorruptObjectError: The bytes are wrong. They were moved to `quarantine/`.
        """
        path = self._prove(digest, size)
        if path is None and self.take_back(digest):
            path = self._prove(digest, size)
        if path is not None:
            self.usage.note(digest)
        return path

    def stands(self, digest: Digest, size: int) -> bool:
        """Say whether an object is here and good; bad bytes were moved to quarantine."""
        try:
            return self.proven(digest, size) is not None
        except CorruptObjectError:
            return False

    def locate(self, digest: Digest) -> Path:
        """Return where the object's bytes are, for reading what was admitted a while ago.

        An upload can take longer than the collector leaves alone what no record keeps yet.
        """
        path = self.object_path(digest)
        if not path.exists():
            self.take_back(digest)
        return path

    def take_back(self, digest: Digest) -> bool:
        """Bring back an object that the collector put into the trash; False if it is not there."""
        with contextlib.suppress(LocalStorageError):  # a home that we may only read
            return take_back(self.backend, digest)
        return False

    def _prove(self, digest: Digest, size: int) -> Path | None:
        path = self.object_path(digest)
        try:
            stamp = Stamp.of(path.stat())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _wrap(error, path) from error
        if self._proven.get(digest) == stamp:
            return path
        key = layout.object_key(digest)
        if stamp.size == size and self.catalog.checked(key, stamp, digest):
            self._trust(digest, stamp)
            return path
        began = time.time_ns()
        (check,) = native.check_files([(path, size, digest.raw)])
        if check.state == "ok":
            stamp = Stamp(check.size, check.mtime_ns, check.ctime_ns, check.inode)
            self._trust(digest, stamp)
            self.catalog.remember([(key, stamp, digest)], began)
            return path
        if check.state == "missing":
            return None
        if check.state == "unreadable":
            raise LocalStorageError(f"cannot read {path}: {check.message}")
        if check.state == "changed":
            raise FileChangedError(f"{path} changed while it was checked")
        self.quarantine(digest)
        raise CorruptObjectError(
            f"the local bytes of {digest} are not what was stored; moved to quarantine"
        )

    def _trust(self, digest: Digest, stamp: Stamp) -> None:
        """Need not ask the catalogue about this object again, while there are not too many."""
        if len(self._proven) >= _MOST_PROVEN:
            self._proven.clear()
        self._proven[digest] = stamp

    def distrust(self, digest: Digest) -> None:
        """Forget that an object was ever checked: whoever uses it next hashes it first."""
        self._proven.pop(digest, None)
        self.catalog.forget([layout.object_key(digest)])

    def quarantine(self, digest: Digest) -> Path:
        """Move a bad object out of the way, never to be served; return where it is."""
        target = self.isolate(layout.object_key(digest), str(digest))
        self.distrust(digest)
        return target

    def isolate(self, key: str, name: str) -> Path:
        """Move what stands at `key`, whatever it is, to `quarantine/<name>.<random>`."""
        target = self.root / QUARANTINE / f"{name}.{os.urandom(4).hex()}"
        with _disk_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.root / key).replace(target)
        return target

    def quarantined(self, digest: Digest) -> list[Path]:
        """Return the bad copies of an object that wait for a good one."""
        with contextlib.suppress(OSError):
            return sorted((self.root / QUARANTINE).glob(f"{digest}.*"))
        return []

    def _drop_quarantined(self, digests: Iterable[Digest]) -> None:
        """Remove the bad copies of objects that stand here again, good."""
        good = {str(digest) for digest in digests}
        with contextlib.suppress(OSError), os.scandir(self.root / QUARANTINE) as entries:
            for entry in entries:
                if entry.name.partition(".")[0] in good:
                    Path(entry.path).unlink(missing_ok=True)

    def outline(self, digest: Digest, size: int) -> bytes | None:
        """Return the object's outline, proven against the digest; None where it has one block.

        An outline that is absent or wrong is made anew from the object.

        Raises:
            CorruptObjectError: The object itself is wrong or missing.
        """
        if size <= BLOCK_SIZE:
            return None
        path = self.root / layout.outline_key(digest)
        with contextlib.suppress(OSError):
            if check_outline(outline := path.read_bytes(), size, digest):
                return outline
        source = self.object_path(digest)
        with _disk_errors(source):
            found = native.hash_file(source)
        if found.digest != digest.raw or found.size != size:
            self.quarantine(digest)
            raise CorruptObjectError(
                f"the local bytes of {digest} are not what was stored; moved to quarantine"
            )
        self.backend.put([(layout.outline_key(digest), found.outline)])
        return found.outline

    def forget(self, digests: Sequence[Digest]) -> None:
        """Drop what is known of objects that are gone."""
        for digest in digests:
            self._proven.pop(digest, None)
        self.catalog.forget(layout.object_key(digest) for digest in digests)
        self.catalog.forget_uses(digests)

    # -- views -------------------------------------------------------------------------------

    def view(self, key: str, digest: Digest, size: int) -> Path:
        """Return a path under `key` that shows the object's bytes with a name people know.

        Args:
            key: Where the view goes, below the store's root.
            digest: The object; it must stand here, proven.
            size: Its size in bytes.
        """
        with _disk_errors(self.root / key):
            return views.make(self, key, digest, size)

    def follow_link(self, digest: Digest, before: os.stat_result, began: int) -> None:
        """Carry the proof of an object over the change of its ctime that a link makes."""
        after = Stamp.of(self.object_path(digest).stat())
        unchanged = (after.size, after.mtime_ns, after.inode) == (
            before.st_size,
            before.st_mtime_ns,
            before.st_ino,
        )
        if unchanged and self._proven.get(digest) == Stamp.of(before):
            self._note([digest], began)

    def remove_view(self, key: str) -> None:
        """Drop a view, if there is one."""
        with contextlib.suppress(OSError):
            (self.root / key).unlink(missing_ok=True)
        self.catalog.forget([key])

    def close(self) -> None:
        """Give descriptors back."""
        self.usage.flush()
        self.catalog.close()
        self.backend.close()


def _check_unchanged(item: Staged) -> None:
    if item.mtime_ns is None:
        return
    status = item.path.stat()
    if (status.st_mtime_ns, status.st_size) != (item.mtime_ns, item.size):
        raise FileChangedError("a file changed while it was moved", hint="run the command again")


def _staged(path: Path, result: native.FileHash) -> Staged:
    return Staged(path, Digest(result.digest), result.size, result.outline)


def _wrap(error: OSError, path: Path) -> RadopsError:
    if error.filename:  # of a copy either side can be what is wrong
        path = Path(os.fsdecode(error.filename))
    if isinstance(error, native.FileChangedError):
        return FileChangedError(f"{path} changed while it was read", hint="run the command again")
    return LocalStorageError(f"{path}: {error.strerror or error}")


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn what the operating system says of `path` into an error of ours."""
    try:
        yield
    except RadopsError:
        raise
    except OSError as error:
        raise _wrap(error, Path(os.fsdecode(error.filename)) if error.filename else path) from error
