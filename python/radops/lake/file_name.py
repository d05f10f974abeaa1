"""What the name of a file means: a file of its own, or one in a directory."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from radops.errors import InvalidUIDError, UIDNotFoundError, UsageError
from radops.format.uid import UID, parse_uid
from radops.lake.directory import inner_files
from radops.lake.directory.names import Found, find_named, look_up_named, parse_name
from radops.lake.name_search import not_found
from radops.lake.named import Named, checked_suffix

if TYPE_CHECKING:
    from radops.format.digest import Digest
    from radops.format.record import FileRecord
    from radops.lake.session import HasSession, Session


class NamedFile(Named):
    """The name of a file, looked up when something is asked of it.

    Args:
        uid: The name; None for an implicit output.
        suffix: The extension of an implicit output, such as `.parquet`.
        lake: The `DataLake`; None for the current one, looked up at each use.
    """

    __slots__ = ("_digest", "_directory", "_inner", "_size", "_text")

    def __init__(
        self, uid: str | None = None, *, suffix: str = "", lake: HasSession | None = None
    ) -> None:
        suffix = checked_suffix(suffix, uid)
        super().__init__(uid, suffix, lake, parse_name)
        self._directory: FileRecord | None = None
        self._inner: str | None = None
        self._size: int | None = None
        self._digest: Digest | None = None
        # Within a directory, names in other normal forms are other names.
        marked = uid is None or "@" in uid
        self._text = self._uid if uid is None or marked else uid

    def _set_name(self, uid: str) -> None:
        self._uid, self._text = parse_name(uid), uid
        self._directory, self._inner, self._size, self._digest = None, None, None, None

    @property
    def suffix(self) -> str:
        """The extension of the name: `.csv`; empty if it has none."""
        return PurePosixPath(self._uid).suffix

    @property
    def inner(self) -> str | None:
        """The path within the directory that holds the file; None if the file has its own UID.

        A name that does not exist yet has no directory. This may ask the remote, once.
        """
        try:
            found = self._look_up()
        except (UIDNotFoundError, InvalidUIDError):
            return None
        return None if found is None else found.inner

    @property
    def size(self) -> int:
        """Bytes of the file; may ask the remote.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        found = self._find()
        if self._size is None:
            self._size = check_file(found.record).size
        return self._size

    def digest(self) -> Digest:
        """Return BLAKE3 of the whole file; may ask the remote.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        found = self._find()
        if self._digest is None:
            self._digest = check_file(found.record).digest
        return self._digest

    def _find(self) -> Found:
        """Return the record of the file, or of the directory that holds it and the path there."""
        found = self._look_up()
        if found is None:
            raise not_found(self.session.lake, parse_uid(self._text))
        return found

    def _look_up(self) -> Found | None:
        """Return the same, or None without a search for names that may have been meant."""
        if self._directory is not None:
            return Found(self._directory, self._inner)
        session = self.session
        found = look_up_named(session.lake, self._text)
        session.remember_quietly()
        if found is not None and found.inner is not None:
            inner = inner_files.inner_of(session, found.record, found.inner)
            self._inner, self._size = inner.path, inner.entry.size
            self._digest = inner.entry.digest
            self._directory = found.record
            return Found(found.record, inner.path)
        return found

    def as_input(self, session: Session) -> tuple[FileRecord, tuple[str, Digest] | None]:
        """Return its record; for a file in a directory, the directory's, with path and digest.

        For creators. Of a symbolic link, the path is that of the file that it leads to.

        Raises:
            UIDNotFoundError: There is no such file.
            UsageError: It is a directory.
        """
        if self._directory is not None and self._inner is not None:
            return self._directory, self._resolved(session, self._directory, self._inner)
        found = find_named(session.lake, self._text)
        session.remember_quietly()
        if found.inner is None:
            return check_file(found.record), None
        return found.record, self._resolved(session, found.record, found.inner)

    def _resolved(
        self, session: Session, directory: FileRecord, inner: str
    ) -> tuple[str, Digest] | None:
        entry = inner_files.inner_of(session, directory, inner).entry
        return None if entry.digest is None else (entry.path, entry.digest)

    def _whole_record(self) -> FileRecord:
        return self._find().record

    def _whole_uid(self) -> UID:
        try:
            found = self._find()
        except UIDNotFoundError:
            return parse_uid(self._uid)
        if found.inner is not None:
            raise UsageError(
                f"{self._uid} is a file in the directory {found.record.uid}, which never changes",
                uid=self._uid,
                hint=f"make a new version without it: Directory({found.record.uid!r}).edit(...)",
            )
        return found.record.uid


def check_file(record: FileRecord) -> FileRecord:
    """Return the record of a file; refuse that of a directory.

    Raises:
        UsageError: It is a directory.
    """
    if record.type == "directory":
        raise UsageError(
            f"{record.uid} is a directory, not a file",
            uid=record.uid,
            hint=f'use Directory({record.uid!r}), or a file in it: File("{record.uid}/...")',
        )
    return record
