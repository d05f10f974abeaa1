"""Objects on the local disk: taking files in.

Bytes enter `objects/` only by rename, after their digest was computed from what lies on this
disk. Everything here is shared by all lakes of a home.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import msgspec
from typing_extensions import override

from radops import native
from radops.backends.folder import temporary
from radops.backends.folder.permissions import set_mode
from radops.errors import CorruptObjectError, FileChangedError, RadopsError, UsageError
from radops.format.digest import Digest
from radops.repository import layout
from radops.repository.objects.disk_errors import disk_errors, wrap
from radops.repository.objects.lending import Identity, Lent, lend, remove, rename_back, seal
from radops.repository.objects.proof import ProvenObjects
from radops.repository.objects.staging import (
    Move,
    Staging,
    Unfinished,
    abandoned_moves,
    journal_path,
    work_on,
    write_journal,
)
from radops.repository.objects.views import Views
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from radops.backends.folder.backend import FolderBackend

TMP = "tmp"


class Staged(msgspec.Struct, frozen=True):
    """A finished file in `tmp/`, hashed where it lies, on its way into `objects/`."""

    path: Path
    digest: Digest
    size: int
    outline: bytes
    """Empty where the file has one block."""
    hashed: Identity | None = None
    """For a file that is the source of a move as well: what it was when it was hashed."""
    lent: Lent | None = None
    """For a move: the source."""


class LocalStore(ProvenObjects):
    """The objects of one home: what readers use, and taking files in.

    Args:
        backend: The folder backend over `<home>/storage`.
    """

    def __init__(self, backend: FolderBackend) -> None:
        super().__init__(backend)
        self._views = Views(self)
        self._looked_for_moves = False

    @override
    def temporaries(self, count: int) -> list[Path]:
        """Return fresh paths in `tmp/`; they do not exist yet."""
        self.give_back_abandoned()
        paths = super().temporaries(count)
        if (work := work_on(self)) is not None:
            work.expect(paths)
        return paths

    def lock_folder(self) -> Path | None:
        """Return the folder of advisory locks, made if absent; None where it cannot be made.

        In a shared home no link in its place is followed.
        """
        folder = self.root / TMP / "locks"
        try:
            self.backend.make_folder(folder)
        except OSError:
            return None
        return folder

    def staging(self) -> Staging:
        """Return a block for one piece of work that takes files in.

        However it ends, temporary files that are left are removed, and sources of a move that were
        not removed are given back. Before it begins, so are those of processes that were killed:
        they may be sources of this work too.
        """
        self.give_back_abandoned()
        return Staging(self, Unfinished(self.give_back, self.discard))

    def give_back_abandoned(self) -> None:
        """Give back the sources of moves whose processes were killed; looks once."""
        if self._looked_for_moves:
            return
        self._looked_for_moves = True
        with contextlib.suppress(OSError, RadopsError):
            for path, moves in abandoned_moves(self.root / TMP):
                rename_back(lent for lent, *_ in moves if not lent.has_its_name)
                (unused,) = self.backend.new_temporaries(1)
                self.give_back(
                    Staged(unused, digest, size, b"", lent=lent)
                    for lent, digest, size in moves
                    if lent.is_at(lent.path)
                )
                path.unlink(missing_ok=True)

    def note_moves(self, moves: Sequence[Move]) -> None:
        """Note sources that are about to be removed, or to share their file with an object.

        If this process is killed, the next one that writes to the store gives them back.
        """
        work = work_on(self)
        if moves and work is not None:
            path = journal_path(self.temporary())
            work.expect([path])
            with disk_errors(path):
                self.backend.make_folder(path.parent)
                write_journal(path, moves)

    # -- taking in ---------------------------------------------------------------------------

    def stage_copies(
        self, sources: Sequence[Path], progress: native.Progress | None = None
    ) -> list[Staged | RadopsError]:
        """Copy files into `tmp/`, hashing what is written; a file that fails gives its error."""
        pairs = list(zip(sources, self.temporaries(len(sources)), strict=True))
        results = native.copy_files(pairs, threads=threads(), progress=progress)
        return [
            _staged(target, result) if isinstance(result, native.FileHash) else wrap(result, source)
            for (source, target), result in zip(pairs, results, strict=True)
        ]

    def stage_links(
        self, sources: Sequence[Path], progress: native.Progress | None = None
    ) -> list[Staged | RadopsError]:
        """Take files for a move: a second name in `tmp/` where that is safe, else a copy.

        The source stays until the caller removes it (`lending.remove`), after the commit: a crash
        in between loses nothing. If there is no commit, the caller calls `give_back`.
        """
        staged: list[Staged | RadopsError] = []
        targets = self.temporaries(len(sources))
        lent: list[Lent | RadopsError] = []
        try:
            for source, target in zip(sources, targets, strict=True):
                lent.append(_lend(source, target))
            pairs = list(zip(lent, targets, strict=True))
            linked = [t for one, t in pairs if isinstance(one, Lent) and one.how != "copy"]
            copied = [
                (one.path, t) for one, t in pairs if isinstance(one, Lent) and one.how == "copy"
            ]
            hashes = iter(native.hash_files(linked, threads=threads(), progress=progress))
            copies = iter(native.copy_files(copied, threads=threads(), progress=progress))
            for one, target in pairs:
                if not isinstance(one, Lent):
                    staged.append(one)
                else:
                    staged.append(
                        _of_move(one, target, next(copies if one.how == "copy" else hashes))
                    )
        except BaseException:
            self.discard(targets)
            raise
        if (work := work_on(self)) is not None:
            for item in staged:
                if isinstance(item, Staged):
                    work.lend(item.path, item)
        self.discard(
            target
            for one, target in zip(staged, targets, strict=True)
            if not isinstance(one, Staged)
        )
        return staged

    def stage_written(self, path: Path) -> Staged:
        """Hash a file that was written to a path from `temporary`.

        Where it has a second name, a copy is taken: others may write to it by that name.
        """
        temporary.check_ours(path)
        with disk_errors(path):
            if path.stat().st_nlink > 1:
                copy = self.temporary()
                copied = _staged(copy, native.copy_file(path, copy))
                path.unlink()
                return copied
            set_mode(path, self.backend.file_mode)
            return _staged(path, native.hash_file(path))

    def stage_bytes(self, data: bytes) -> Staged:
        """Write bytes to `tmp/`."""
        path = self.temporary()
        digest, outline = native.hash_bytes(data)
        with disk_errors(path):
            try:
                path.write_bytes(data)
                set_mode(path, self.backend.file_mode)
            except BaseException:
                path.unlink(missing_ok=True)
                raise
        return Staged(path, Digest(digest), len(data), outline)

    def discard(self, staged: Iterable[Staged | Path]) -> None:
        """Remove temporary files of this process; those that are gone are no error."""
        for item in staged:
            temporary.discard(str(item.path if isinstance(item, Staged) else item))

    def admit(self, staged: Sequence[Staged]) -> None:
        """Move staged files into `objects/`, durably: contents and outlines first, then names.

        What a digest held before is replaced, in one step, by bytes that were just
        hashed; so nothing found in place needs to be trusted.
        """
        for item in staged:
            temporary.check_ours(item.path)
        began = time.time_ns()
        chosen = {item.digest: item for item in staged}
        items = chosen.values()
        sealed = []
        self.note_moves([(one.lent, one.digest, one.size) for one in staged if one.lent])
        try:
            for item in staged:
                if item.lent is not None and item.hashed is not None:
                    self._seal(item, item.lent, item.hashed)
                    sealed.append(item.path)
            self.backend.adopt(
                [(item.path, layout.object_key(item.digest)) for item in items],
                frozenset(sealed),
            )
            outlines = [(layout.outline_key(i.digest), i.outline) for i in items if i.outline]
            self.backend.put(outlines)
            self.backend.flush()
        except BaseException:
            self.give_back(staged)
            raise
        self.discard(item for item in staged if chosen[item.digest] is not item)
        if (work := work_on(self)) is not None:
            work.adopted(item.path for item in staged)
        self.note([item.digest for item in items], began)
        self.drop_quarantined(item.digest for item in items)

    def _seal(self, item: Staged, lent: Lent, hashed: Identity) -> None:
        if self._is_shared(item):  # known by its inode, whatever path leads to it
            raise UsageError(
                f"{lent.path} is an object of this lake's own storage", hint="leave it there"
            )
        with disk_errors(lent.path):
            seal(item.path, lent, hashed, self.backend.file_mode)

    def give_back(self, staged: Iterable[Staged]) -> None:
        """Undo a failed move: sources become what they were, and no object shares a file.

        The objects stay, as copies: others may build on them already. Only if there is no room for
        a copy, a source stays as it is, read-only.
        """
        lent = [
            item
            for item in staged
            if item.lent is not None and item.lent.is_linked and temporary.is_ours(item.path)
        ]
        self.discard(lent)
        with contextlib.suppress(OSError, RadopsError):
            self._separate([item for item in lent if self._is_shared(item)])
        for item in lent:
            if item.lent is not None and not self._is_shared(item):
                with contextlib.suppress(OSError):
                    item.lent.restore()

    def _is_shared(self, item: Staged) -> bool:
        return (
            item.lent is not None
            and item.lent.is_linked
            and item.lent.is_at(self.object_path(item.digest))
        )

    def remove_source(self, item: Staged) -> str | None:
        """Remove the source of a move, once the lake holds the bytes durably.

        Returns:
            None if it is gone; else why it was left in place. An object that shares its file then
            becomes a copy.

        Raises:
            CorruptObjectError: Another process wrote to the file while it was moved, so that the
                bytes that were added are gone.
        """
        if item.lent is None:
            return None
        reason = remove(item.lent)
        if (work := work_on(self)) is not None and not (reason and self._is_shared(item)):
            work.moved(item.path)
        if reason is not None and self._is_shared(item):
            with disk_errors(item.lent.path):
                self._separate([item])
                if item.lent.is_at(item.lent.path):  # by now it may be another file's name
                    item.lent.path.chmod(item.lent.mode)
            if not self.has(item.digest, item.size):
                raise CorruptObjectError(
                    f"{item.lent.path} was written to while it was moved into the lake",
                    hint="add it again under another name",
                )
        return reason

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
                    else:  # it was written to while it had two names
                        bad.append(key)
            self.backend.adopt(good)
            self.backend.delete(bad)
            self.backend.flush()
        finally:
            self.discard(copies)
        for item in items:
            self.distrust(item.digest)

    def view(self, key: str, digest: Digest, size: int) -> Path:
        """Return a path under `key` that shows an object's bytes under the name of a file.

        Args:
            key: Where the view goes, below the store's root.
            digest: The object; it must be here, proven.
            size: Its size in bytes.
        """
        with disk_errors(self.root / key):
            return self._views.make(key, digest, size)

    def views(self, wanted: Sequence[tuple[str, Digest, int]]) -> list[Path | None]:
        """Do what `view` does for many that were proven just now; None for one left to `view`."""
        with disk_errors(self.root):
            made = self._views.make_many(wanted)
        for (_, digest, _), path in zip(wanted, made, strict=True):
            if path is not None:
                self.usage.note(digest)
        return made

    def remove_view(self, key: str) -> None:
        """Remove a view, if there is one; a view that was written to is moved aside."""
        self._views.remove(key)

    def close(self) -> None:
        """Close descriptors."""
        self.usage.flush()
        self.catalog.close()
        self.backend.close()


def _lend(source: Path, target: Path) -> Lent | RadopsError:
    try:
        return lend(source, target)
    except RadopsError as error:
        return error
    except OSError as error:
        return wrap(error, source)


def _of_move(lent: Lent, target: Path, result: native.FileHash | OSError) -> Staged | RadopsError:
    """Return the result of taking one source of a move; on an error its target is left."""
    if not isinstance(result, native.FileHash):
        return wrap(result, lent.path)
    if lent.how != "link":
        try:
            lent.check_unchanged()
        except FileChangedError as error:
            return error
        return msgspec.structs.replace(_staged(target, result), lent=lent)
    device = lent.content.device
    hashed = Identity(device, result.inode, result.size, result.mtime_ns, result.ctime_ns)
    return msgspec.structs.replace(_staged(target, result), hashed=hashed, lent=lent)


def _staged(path: Path, result: native.FileHash) -> Staged:
    return Staged(path, Digest(result.digest), result.size, result.outline)
