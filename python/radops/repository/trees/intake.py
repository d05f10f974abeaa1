"""Taking a folder into a home: its packs, large files, pages, root and layout become objects."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from radops import native
from radops.errors import FolderRefusedError, LocalStorageError, UsageError
from radops.format.build import Contents
from radops.format.call import CallOutput
from radops.format.digest import Digest
from radops.repository.objects.disk_errors import wrap
from radops.repository.objects.staging import work_on
from radops.repository.objects.store import Staged
from radops.repository.workers import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from radops.format.uid import UID
    from radops.repository.objects.store import LocalStore
    from radops.repository.trees.parts import Object

# `TakenIn` has a field of this name.
_Bytes: TypeAlias = bytes

# Each try finds the packs that the last one used again damaged or gone, and does without them.
_MAX_TRIES = 4

# How people read the reasons of `native.FolderRefusedError`.
_REASONS = {
    "changed": "changed, appeared or vanished while they were read",
    "unreadable": "cannot be read",
    "special": "are sockets, pipes or devices",
    "not-utf8": "have names that are not UTF-8",
    "too-long": "have names or paths that are too long",
    "outside": "are links that lead out of the folder",
    "dangling": "are links to nothing",
    "git": "belong to a git repository: exclude .git, or add the working tree without it",
    "no-path": "have keys that cannot be paths in a directory",
    "clash": "are files and folders at once",
    "lake": "belong to a lake",
}


class TakenIn(NamedTuple):
    """A directory whose objects are in the home, not yet committed."""

    root: Digest
    root_size: int
    layout: Digest
    files: int
    bytes: int
    """Bytes of the files."""
    entries: int
    objects: list[Object]
    """Everything that it consists of, in the order of a commit: what is named comes first."""
    stats: _Bytes
    """Stats of the files, for the next time that this folder is added."""
    read: int
    """Files that were read."""

    @property
    def contents(self) -> Contents:
        """What the record of the directory says besides its root."""
        return Contents(self.layout, self.files, self.bytes)

    def output(self, uid: UID, place: int | str | None = None) -> CallOutput:
        """Return the directory as an output of a call; see `CallOutput`."""
        return CallOutput(
            uid, self.root, self.root_size, place, self.layout, self.files, self.bytes
        )


def scan_folder(
    folder: str | os.PathLike[str],
    *,
    exclude: Iterable[str] = (),
    no_ignore: bool = False,
    follow_links: bool = False,
    executables: bool = False,
    progress: native.Progress | None = None,
) -> native.FolderScan:
    """Look at everything in a folder that is to become a directory; nothing is read.

    Args:
        folder: The folder.
        exclude: Patterns in gitignore syntax of what is left out.
        no_ignore: Apply neither built-in rules nor those in `.radopsignore`.
        follow_links: Take what links point to that a directory cannot hold.
        executables: Keep whether a file can be executed.
        progress: Can stop the call.

    Raises:
        FolderRefusedError: Something in it cannot be in a directory.
        UsageError: A pattern cannot be used.
        LocalStorageError: It is no folder, or cannot be read.
    """
    try:
        return native.FolderScan(
            folder,
            exclude=list(exclude),
            no_ignore=no_ignore,
            follow_links=follow_links,
            executables=executables,
            threads=threads(),
            progress=progress,
        )
    except native.FolderRefusedError as error:
        raise refused_folder(folder, error) from None
    except ValueError as error:
        raise UsageError(f"a pattern cannot be used: {error}") from None
    except OSError as error:
        raise wrap(error, Path(folder)) from error


def take_in(
    store: LocalStore,
    folder: str | os.PathLike[str],
    scan: native.FolderScan,
    *,
    base: Iterable[Object] = (),
    stats: Path | None = None,
    progress: native.Progress | None = None,
    accept: Callable[[TakenIn], bool] = lambda _taken: True,
) -> TakenIn:
    """Read the files of a scanned folder once and move what they become into `objects/`.

    Call it within `store.staging()`, so that nothing is left behind when it ends early.

    Args:
        store: The objects of the home.
        folder: The folder, for messages.
        scan: What `scan_folder` found in it.
        base: Packs and large files of earlier directories; those that are here and good enough
            are used again.
        stats: A file with `TakenIn.stats` of an earlier call for this folder.
        progress: Counts bytes and files, and can stop the call.
        accept: Called with the result before anything is moved; False: nothing is to be moved.

    Raises:
        FolderRefusedError: Files changed since the scan, or cannot be read.
        UsageError: The directory would be too large.
        LocalStorageError: The disk is full, say.
    """
    sources = [(digest.raw, size) for digest, size in base]
    for _ in range(_MAX_TRIES):
        try:
            added = scan.add(
                store.root,
                stem(store),
                base=sources,
                stats=stats,
                threads=threads(),
                progress=progress,
            )
        except native.FolderRefusedError as error:
            raise refused_folder(folder, error) from None
        except native.TreeFormatError as error:
            raise UsageError(f"{os.fspath(folder)}: {error}") from None
        except OSError as error:
            raise wrap(error, Path(folder)) from error
        reused = [(Digest(digest), size) for digest, size in added.reused]
        taken = admit_added(store, added, reused, accept)
        if taken is not None:
            return taken
    raise LocalStorageError(
        f"objects that {os.fspath(folder)} shares with an earlier directory keep being damaged"
        " or removed while it is added",
        hint="radops datalake verify says more; another command may be making room",
    )


def admit_added(
    store: LocalStore,
    added: native.AddedTree,
    reused: Sequence[Object],
    accept: Callable[[TakenIn], bool],
) -> TakenIn | None:
    """Move what a folder became into `objects/`; None if what it uses again is damaged or gone.

    Args:
        store: The objects of the home.
        added: The directory.
        reused: What it uses again and what must be here.
        accept: As of `take_in`.
    """
    staged = [
        Staged(Path(path), Digest(digest), size, outline)
        for path, digest, size, outline in added.staged
    ]
    if (work := work_on(store)) is not None:
        work.expect(one.path for one in staged)
    if not _all_proven(store, reused):
        store.discard(staged)
        return None
    taken = TakenIn(
        Digest(added.root[0]),
        added.root[1],
        Digest(added.layout[0]),
        added.files,
        added.bytes,
        added.entries,
        [
            *((Digest(digest), size) for digest, size in added.reused),
            *((one.digest, one.size) for one in staged),
        ],
        added.stats,
        added.read,
    )
    if accept(taken):
        store.admit(staged)
    else:
        store.discard(staged)
    return taken


def name_folder(
    store: LocalStore,
    folder: str | os.PathLike[str],
    scan: native.FolderScan,
    target: str,
    *,
    stats: Path | None = None,
    progress: native.Progress | None = None,
) -> native.TreeReader:
    """Return the directory that a folder would become, without places; nothing is stored.

    Args:
        store: The objects of the home.
        folder: The folder, for messages.
        scan: What `scan_folder` found in it.
        target: An empty folder for its pages, which must stay as long as it is read.
        stats: As of `take_in`.
        progress: Counts bytes and files, and can stop the call.

    Raises:
        FolderRefusedError: Files changed since the scan, or cannot be read.
        LocalStorageError: The disk is full, say.
    """
    try:
        root = scan.name(store.root, target, stats=stats, threads=threads(), progress=progress)
        return native.TreeReader(target, root)
    except native.FolderRefusedError as error:
        raise refused_folder(folder, error) from None
    except native.TreeFormatError as error:
        raise UsageError(f"{os.fspath(folder)}: {error}") from None
    except OSError as error:
        raise wrap(error, Path(folder)) from error


def _all_proven(store: LocalStore, objects: Iterable[Object]) -> bool:
    """Return whether all objects are here and good. Bad ones are moved to quarantine."""
    wrong = [one for one in objects if not store.is_verified(*one)]
    return not wrong


def stem(store: LocalStore) -> Path:
    """Return what the names of temporary files begin with; see `backends/folder/temporary.py`."""
    path = store.temporary()
    maker = path.name.rpartition(".")[0]
    return path.with_name(f"{maker}.{secrets.token_hex(6)}")


def refused_folder(
    folder: str | os.PathLike[str], error: native.FolderRefusedError
) -> FolderRefusedError:
    """Return the error for what Rust refused of a folder."""
    return refused(os.fspath(folder), error.args[0])


def refused(where: str, groups: Iterable[tuple[str, int, Iterable[str]]]) -> FolderRefusedError:
    """Return the error for files that cannot be added.

    Args:
        where: The folder, or what else holds them.
        groups: Why, how many, and the first of their paths.
    """
    reasons = tuple((word, count, tuple(paths)) for word, count, paths in groups)
    parts = []
    for word, count, paths in reasons:
        named = ", ".join(paths) + (", ..." if count > len(paths) else "")
        parts.append(f"{count} that {_REASONS.get(word, word)} ({named})")
    error = FolderRefusedError(
        f"{where} has files that cannot be added: {'; '.join(parts)}",
        hint="nothing was added; mend them, or leave them out with --exclude",
    )
    error.reasons = reasons
    return error
