"""What a program has written and could not be stored is kept in a folder of local storage."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Final

from radops import native
from radops.errors import FolderRefusedError, RadopsError
from radops.lake import messages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from radops.format.digest import Digest
    from radops.lake.session import Session

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
    """
    target = kept / name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    except OSError:
        # A full disk has no block for another folder; another name in a folder needs none.
        target = kept.parent.with_name(f"{_FOLDER}-{kept.name}")
        path.rename(target)
    return target


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
        kept = _keep_written(session, uid, written, copy=isinstance(error, Exception))
        if kept is not None:
            _tell(error, uid, path, kept)
        raise


def _keep_written(session: Session, uid: str, written: Written, *, copy: bool) -> Path | None:
    """Move it, or copy the object that it has become; return where to, None if that fails."""
    kept, name = place_to_keep(session, uid), uid.rpartition("/")[2]
    # The error that is being handled is the one to show.
    with contextlib.suppress(OSError, RadopsError):
        if written.path.exists():
            return keep(written.path, kept, "" if written.path.is_dir() else name)
        if copy and written.digest is not None:
            kept.mkdir(parents=True)
            native.copy_file(session.store.object_path(written.digest), kept / name)
            return kept / name
    return None


def _tell(error: BaseException, uid: str, path: Path, kept: Path) -> None:
    if not isinstance(error, RadopsError):
        messages.kept(uid, kept)
        return
    text = error.message.replace(str(path), uid)
    error.message = f"{text}. Nothing was published; all of it is kept in {kept}"
    error.args = (error.message,)
    error.uid = error.uid or uid
    if isinstance(error, FolderRefusedError) and error.hint is None:
        error.hint = "mend it, and write it again under that name"
