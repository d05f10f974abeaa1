"""Views: objects under the names of files, made when a path is asked for.

A view is for reading. A process that permissions do not stop from writing (root) gets a copy, so
that no object changes. What was written to a view is never thrown away: when the view is next made
or removed, at the latest when the process ends, it is moved to `quarantine/` with a warning.
"""

from __future__ import annotations

import atexit
import errno
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.backends.folder.backend import FolderBackend
from radops.backends.folder.permissions import set_mode
from radops.backends.forking import call_after_fork
from radops.errors import CorruptObjectError, LocalStorageError
from radops.format.digest import Digest
from radops.repository import layout
from radops.repository.objects.catalog import Stamp
from radops.repository.objects.proof import QUARANTINE
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from radops.repository.objects.proof import Look, ProvenObjects

# How a file system refuses a hard link: it has none, or has too many of this file, or the file is
# another user's (`fs.protected_hardlinks`).
_NO_LINK = frozenset(
    (errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
)

# Something is where the view or one of its folders is to be; a link of a folder is not followed.
_IN_THE_WAY = frozenset(
    (errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENOTEMPTY)
)

# Views that are looked at when the process ends, some 300 bytes each.
_MOST_GIVEN = 20_000

_LOG = logging.getLogger("radops")


class _Given(NamedTuple):
    """A copy whose path was given to this process's program, as it was then."""

    stamp: Stamp
    digest: Digest
    in_group: bool
    """Whether the home is shared by a group."""


_given: dict[tuple[Path, str], _Given] = {}


class Views:
    """The views of one home.

    Args:
        objects: The objects that they show.
    """

    def __init__(self, objects: ProvenObjects) -> None:
        self._objects = objects

    def make(self, key: str, digest: Digest, size: int) -> Path:
        """Make a view unless it exists; see `LocalStore.view`.

        A reflink where the file system can; else a hard link, but only where the object's mode
        stops this process from writing and the file system allows it; else a copy.
        """
        source = self._objects.object_path(digest)
        path = self._objects.root / key
        if self._shows(path, key, source, digest, size):
            return path
        try:
            fresh = self._objects.temporary()
        except LocalStorageError:  # a home that can only be read
            if _holds(path, digest, size):
                return path
            raise
        if os.path.lexists(path) and not path.is_dir():
            self.remove(key)
        began = time.time_ns()
        try:
            if mode_protects() and not native.reflink(source, fresh):
                before = source.stat()
                if _link(source, fresh):
                    self._place(fresh, key)
                    self._objects.follow_link(digest, before, began)
                    self._note(key, Stamp.of(path.stat()), digest, began)
                    return path
            fresh.unlink(missing_ok=True)
            copied = native.copy_file(source, fresh, mode=self._objects.backend.file_mode)
            set_mode(fresh, self._objects.backend.file_mode)  # whatever the umask
            if copied.digest != digest.raw:
                raise CorruptObjectError(f"the copy of {digest} for {path} came out wrong")
            self._place(fresh, key)
            stamp = Stamp.of(path.stat())
        finally:
            fresh.unlink(missing_ok=True)
        self._note(key, stamp, digest, began)
        self._give(key, stamp, digest)
        return path

    def make_many(self, wanted: Sequence[tuple[str, Digest, int]]) -> list[Path | None]:
        """Make many views at once, of objects that were proven just now.

        Args:
            wanted: Key, object and its size of each.

        Returns:
            The path of each; None for one that `make` has to see to, such as where something
            else is in its place.
        """
        root = self._objects.root
        keys = [key for key, _, _ in wanted]
        sources = self._objects.look(layout.object_key(digest) for _, digest, _ in wanted)
        found = self._objects.look(keys)
        rows = {row[0]: row for row in self._objects.catalog.rows(sorted(set(keys)))}
        made: dict[str, Path] = {}
        fresh: dict[str, tuple[Digest, Look]] = {}
        for (key, digest, size), source, there in zip(wanted, sources, found, strict=True):
            if not isinstance(source, tuple) or not self._objects.is_trusted(digest, source):
                continue
            if there is None:
                fresh[key] = digest, source
            elif isinstance(there, tuple) and there[3] == source[3]:
                made[key] = root / key
            elif isinstance(there, tuple) and there[0] == size and key in rows:
                row = rows[key]
                if row[1:5] == there and row[5] == digest.raw:
                    made[key] = root / key
                    self._give(key, Stamp(*there), digest)
        made |= {key: root / key for key in self._make_fresh(fresh)}
        return [made.get(key) for key in keys]

    def _make_fresh(self, fresh: Mapping[str, tuple[Digest, Look]]) -> list[str]:
        """Make views where nothing is; return the keys of those that were made.

        Args:
            fresh: The object of each, and what its file looks like.
        """
        if not fresh:
            return []
        objects = self._objects
        began = time.time_ns()
        try:
            temporaries = objects.temporaries(len(fresh))
        except LocalStorageError:  # a home that can only be read: `make` says so
            return []
        paths = dict(zip(fresh, map(str, temporaries), strict=True))
        left = set(paths)
        try:
            linked, copied = self._fill({key: one for key, (one, _) in fresh.items()}, paths)
            made = self._moved({key: paths[key] for key in (*linked, *copied)})
            left -= made & copied  # a rename of a link over another of its file does nothing
            stamps = dict(zip(made, objects.look(made), strict=True))
        finally:
            for key in left:
                with suppress(OSError):
                    os.unlink(paths[key])  # noqa: PTH108 - of thousands
        objects.follow_links([fresh[key] for key in linked], began)
        notes = [(k, Stamp(*s), fresh[k][0]) for k, s in stamps.items() if isinstance(s, tuple)]
        objects.catalog.remember(notes, began)
        for key, stamp, digest in notes:
            if key in copied:
                self._give(key, stamp, digest)
        return [key for key, _, _ in notes]

    def _fill(
        self, fresh: Mapping[str, Digest], paths: Mapping[str, str]
    ) -> tuple[list[str], set[str]]:
        """Make the files of views at temporary paths; return which are links and which copies."""
        objects = self._objects
        sources = {
            key: f"{objects.root}/{layout.object_key(digest)}" for key, digest in fresh.items()
        }
        linked: list[str] = []
        if mode_protects() and not _can_reflink(sources, paths):
            linked = [key for key, source in sources.items() if _link(source, paths[key])]
        rest = sorted(fresh.keys() - set(linked))
        pairs = [(sources[key], paths[key]) for key in rest]
        results = native.copy_files(pairs, mode=objects.backend.file_mode, threads=threads())
        copied = {
            key
            for key, result in zip(rest, results, strict=True)
            if isinstance(result, native.FileHash) and result.digest == fresh[key].raw
        }
        if objects.backend.is_group:
            for key in copied:
                set_mode(paths[key], objects.backend.file_mode)  # whatever the umask
        return linked, copied

    def _moved(self, paths: Mapping[str, str]) -> set[str]:
        """Give files their names; return the keys of those where nothing is in the way."""
        failures = self._objects.backend.rename_all([(path, key) for key, path in paths.items()])
        for failure in failures:
            if failure is not None and failure.errno not in _IN_THE_WAY:
                raise failure
        return {key for key, failure in zip(paths, failures, strict=True) if failure is None}

    def remove(self, key: str) -> None:
        """Remove a view, if there is one; one that was written to is moved aside."""
        path = self._objects.root / key
        with suppress(OSError):
            if self._was_written_to(path, key):
                _move_aside(self._objects.backend, key)
            else:
                self._objects.backend.unlink(key)
        _given.pop((self._objects.root, key), None)
        self._objects.catalog.forget([key])

    def _shows(self, path: Path, key: str, source: Path, digest: Digest, size: int) -> bool:
        try:
            status = path.stat()
            if os.path.samestat(status, source.stat()):
                return True
        except OSError:
            return False
        stamp = Stamp.of(status)
        if stamp.size != size or not self._objects.catalog.checked(key, stamp, digest):
            return False
        self._give(key, stamp, digest)
        return True

    def _was_written_to(self, path: Path, key: str) -> bool:
        """Return whether a view holds bytes that are not those of an object."""
        try:
            status = self._objects.backend.lstat(key)
        except OSError:
            return False
        row = next(iter(self._objects.catalog.rows([key])), None)
        if row is not None and row[1:5] == Stamp.of(status):
            return False
        try:
            found = native.hash_file(path)
        except OSError:
            return False  # a link or a folder: nothing that was written
        if row is not None and row[5] == found.digest:
            return False
        return found.size > 0 and not self._objects.has(Digest(found.digest), found.size)

    def _note(self, key: str, stamp: Stamp, digest: Digest, began: int) -> None:
        self._objects.catalog.remember([(key, stamp, digest)], began)

    def _give(self, key: str, stamp: Stamp, digest: Digest) -> None:
        if len(_given) < _MOST_GIVEN:
            in_group = self._objects.backend.is_group
            _given[self._objects.root, key] = _Given(stamp, digest, in_group)

    def _place(self, fresh: Path, key: str) -> None:
        path = self._objects.root / key
        try:
            self._objects.backend.make_folder(path.parent)
            self._objects.backend.rename(fresh, key)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            self._make_way(key)
            self._objects.backend.make_folder(path.parent)
            self._objects.backend.rename(fresh, key)

    def _make_way(self, key: str) -> None:
        """Remove the views of deleted files, where a name became a folder or was one.

        No two files of a lake are in each other's way: of the two names one was deleted.
        """
        parts = key.split("/")
        root = self._objects.root
        for end in range(1, len(parts)):
            above = "/".join(parts[:end])
            if not (root / above).is_dir():
                self.remove(above)
        for folder, _, names in os.walk(root / key, topdown=False):
            for name in names:
                self.remove(os.path.relpath(f"{folder}/{name}", root))
            Path(folder).rmdir()


def _can_reflink(sources: Mapping[str, str], targets: Mapping[str, str]) -> bool:
    """Return whether copies of these files cost nothing, by trying with one."""
    key = next(iter(sources))
    possible = native.reflink(sources[key], targets[key])
    Path(targets[key]).unlink(missing_ok=True)
    return possible


def _holds(path: Path, digest: Digest, size: int) -> bool:
    """Return whether a file has the bytes of an object."""
    try:
        return path.stat().st_size == size and native.hash_file(path).digest == digest.raw
    except OSError:
        return False


def _link(source: Path | str, target: Path | str) -> bool:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        return False
    return True


def mode_protects() -> bool:
    """Return whether permissions stop this process from writing to a file."""
    return hasattr(os, "geteuid") and os.geteuid() != 0


def _move_aside(backend: FolderBackend, key: str) -> None:
    path = backend.root / key
    kept = f"{QUARANTINE}/written-{os.urandom(4).hex()}-{path.name}"
    backend.make_folder(backend.root / QUARANTINE)
    backend.rename(path, kept)
    _LOG.warning(
        "%s was written to, but it only shows a file of the lake, and files never change; what was "
        "written is kept as %s. To store it, write it under another name, as by "
        'File("other-name").staged()',
        path,
        backend.root / kept,
    )


def check_given() -> None:
    """Move aside what this process's program wrote to paths that it was given to read."""
    given_paths = dict(_given)
    _given.clear()
    # Few programs write to them: all are looked at together, and read if they changed.
    looks = native.stat_files([f"{root}/{key}" for root, key in given_paths])
    for ((root, key), given), look in zip(given_paths.items(), looks, strict=True):
        if look == given.stamp:
            continue
        with suppress(OSError):
            found = native.hash_file(root / key)
            # Another process may have made the view of a newer file in its place.
            if (
                found.digest != given.digest.raw
                and not (root / layout.object_key(Digest(found.digest))).exists()
            ):
                _move_aside(FolderBackend(root, shared="group" if given.in_group else None), key)


atexit.register(check_given)
call_after_fork(_given.clear)
