"""What a program has written and could not be stored is kept in a folder of local storage."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from radops import native
from radops.errors import FolderRefusedError, LocalStorageError, RadopsError
from radops.lake import messages
from radops.repository.objects.store import TMP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.format.digest import Digest
    from radops.format.uid import UID
    from radops.lake.session import Session
    from radops.repository.objects.store import Staged
    from radops.repository.trees.intake import TakenIn

_FOLDER: Final = "unpublished"
"""The folder in local storage; nothing in it is ever removed by radops."""


def place_to_keep(session: Session, uid: str) -> Path:
    """Return a new path in local storage, for what was written under a name and not stored."""
    name = uid.rpartition("/")[2]
    return session.store.root / _FOLDER / f"{name}.{secrets.token_hex(4)}"


def keep(path: Path, kept: Path, name: str = "") -> Path:
    """Move what was written to where it is kept; return where it is then.

    Args:
        path: The file or folder.
        kept: The place, see `place_to_keep`.
        name: The name in it of a file; "" if the folder itself gets the place.

    Raises:
        LocalStorageError: It can be kept nowhere; the message says where it still is.
    """
    beside = f"{_FOLDER}-{kept.name}"
    places = (
        kept / name,
        # A full disk has no block for another folder; another name in a folder needs none.
        kept.parent.with_name(beside),
        # Where nothing but `tmp/` can be written to. Clean-ups know their files by their names.
        kept.parents[1] / TMP / beside,
    )
    with contextlib.suppress(OSError):
        places[0].parent.mkdir(parents=True, exist_ok=True)
    for target in places:
        with contextlib.suppress(OSError):
            path.rename(target)
            return target
    return _keep_elsewhere(path, kept.name)


def _keep_elsewhere(path: Path, name: str) -> Path:
    """Copy what was written to the system's folder for temporary files; return where it is then.

    A disk that has become read-only takes no rename, and once it is mended the next clean-up
    removes the temporary files of processes that have ended.
    """
    folder: str | None = None
    try:
        folder = tempfile.mkdtemp(prefix=f"radops-{_FOLDER}-")
        target = Path(folder) / name.rpartition(".")[0]
        if path.is_dir():
            shutil.copytree(path, target, symlinks=True)
        else:
            shutil.copy2(path, target)
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        reason = error.strerror or error
        raise LocalStorageError(
            f"what was written can be moved nowhere ({reason}); it is still in {path}",
            hint="copy it now: the next command that writes to this home may remove it",
        ) from error
    return target


def take_out(path: Path, target: Path, uid: str, kept: Path, name: str = "") -> None:
    """Move what was written out of its temporary folder; if that fails, keep it.

    Args:
        path: What was written.
        target: Where it goes.
        uid: The name it was written under.
        kept: The place, see `place_to_keep`.
        name: The name in it of a file; see `keep`.

    Raises:
        LocalStorageError: It cannot be moved; says where it is kept.
    """
    try:
        path.rename(target)
    except OSError as error:
        place = keep(path, kept, name)
        raise LocalStorageError(
            f"{uid}: {error.strerror}. Nothing was published; all of it is kept in {place}",
            uid=uid,
        ) from error


class Written:
    """A finished file or folder on its way into the lake.

    Args:
        path: Where it was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest: Digest | None = None
        """Of a file, once it is known: the object may have it already, and not `path`."""


@contextlib.contextmanager
def kept_unless_stored(session: Session, uid: str, path: Path) -> Iterator[Written]:
    """Run a block that stores what was written; if it fails, keep what was written.

    It may exist nowhere else. A result that waits for the next `sync` is stored already. The
    message of an error of radops names the place; for other errors the place is logged.

    Args:
        session: The lake.
        uid: The name it was written under.
        path: The file or folder.
    """
    written = Written(path)
    try:
        yield written
    except BaseException as error:
        if isinstance(error, RadopsError) and error.is_pending:
            raise
        _keep_and_tell(session, uid, written, error)
        raise


def _keep_and_tell(session: Session, uid: str, written: Written, error: BaseException) -> None:
    kept = _keep_written(session, uid, written, copy=isinstance(error, Exception))
    if kept is not None:
        _tell(error, uid, written.path, [kept])


def keep_results(
    session: Session,
    files: Sequence[tuple[UID, Staged]],
    directories: Sequence[tuple[UID, TakenIn]],
    error: BaseException,
) -> None:
    """Keep what a creator has made and could not be stored; its error says where.

    Args:
        session: The lake.
        files: Its outputs that are files.
        directories: Its outputs that are directories.
        error: Why nothing was published.
    """
    if isinstance(error, RadopsError) and error.is_pending:
        return  # stored, for the next `sync`
    places = []
    for uid, staged in files:
        written = Written(staged.path)
        written.digest = staged.digest
        places.append(_keep_written(session, uid, written, copy=isinstance(error, Exception)))
    for uid, taken in directories if isinstance(error, Exception) else ():
        places.append(_write_out(session, uid, taken))
    if found := [place for place in places if place is not None]:
        _tell(error, (files or directories)[0][0], Path(), found)


def _write_out(session: Session, uid: UID, taken: TakenIn) -> Path | None:
    """Write a directory whose objects are here as a folder; return where, None if that fails."""
    from radops.repository.trees.tree import Tree  # noqa: PLC0415 - slow; rarely needed

    kept, lake = place_to_keep(session, uid), session.lake
    with contextlib.suppress(OSError, RadopsError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        tree = Tree(lake.reader, lake.store, taken.root, taken.root_size, taken.layout)
        try:
            tree.write(kept, time=int(time.time()))
        except BaseException:
            shutil.rmtree(kept, ignore_errors=True)
            raise
        return kept
    return None


def _keep_written(session: Session, uid: str, written: Written, *, copy: bool) -> Path | None:
    """Move it, or copy the object that it has become; return where to, None if that fails."""
    kept, name = place_to_keep(session, uid), uid.rpartition("/")[2]
    # The error that is being handled is the one to show.
    try:
        if written.path.exists():
            return keep(written.path, kept, "" if written.path.is_dir() else name)
        if copy and written.digest is not None:
            kept.mkdir(parents=True)
            native.copy_file(session.store.object_path(written.digest), kept / name)
            return kept / name
    except LocalStorageError as error:
        messages.not_kept(uid, error)
    except (OSError, RadopsError):
        pass
    return None


def _tell(error: BaseException, uid: str, path: Path, kept: Sequence[Path]) -> None:
    places = ", ".join(map(str, kept))
    if not isinstance(error, RadopsError):
        messages.kept(uid, places)
        return
    text = error.message.replace(str(path), uid) if path.name else error.message
    error.message = f"{text}. Nothing was published; all of it is kept in {places}"
    error.args = (error.message,)
    error.uid = error.uid or uid
    if isinstance(error, FolderRefusedError) and error.hint is None:
        error.hint = "mend it, and write it again under that name"
