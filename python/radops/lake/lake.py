"""The lake: the methods that programs and the command line call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from radops.errors import UsageError
from radops.lake import current, listing, local_paths, naming
from radops.lake.adding import Adding
from radops.lake.ancestry import Ancestry
from radops.lake.browsing import Browsing
from radops.lake.directory import about, inner_files
from radops.lake.directory.directory import Directory, known_directory
from radops.lake.directory.names import Found, find_latest, look_up_named, parse_name
from radops.lake.directory.targets import Part, split_targets
from radops.lake.directory.versions import latest
from radops.lake.file import File, known_file
from radops.lake.file_name import check_file
from radops.lake.listing import Shown
from radops.lake.named import integration
from radops.lake.noting import Noting
from radops.lake.session import open_session
from radops.lake.upkeep import Upkeep
from radops.repository.workers import limited

if TYPE_CHECKING:
    import os
    from contextlib import AbstractContextManager

    from duckdb import DuckDBPyConnection

    from radops.lake.named import Named
    from radops.lake.reports import FileInfo, Listing, Progress
    from radops.lake.session import Session


class Located(NamedTuple):
    """What a name means; see `DataLake.locate`."""

    named: File | Directory
    """The file or directory that has the name, or holds what has it."""
    inner: str = ""
    """The path in the directory; empty for the file or directory itself."""


class DataLake(Adding, Ancestry, Browsing, Noting, Upkeep):
    """A lake: files by name, immutable, with their lineage.

    Nothing is created, opened or requested before it is needed. Thread-safe; its pickle holds its
    location, not its content.

    Args:
        context: A configured context; None for the current one.
        home: Where local storage is; None for `RADOPS_HOME`, else `~/.radops`.
        remote: `s3://bucket/prefix?endpoint_url=...&region=...` or `file:///folder`; None for
            the context's.
        offline: Do not use the remote; None for the value of `RADOPS_OFFLINE`.

    Raises:
        InvalidConfigError: The configuration cannot be used; the message names the key.

    Example:
        >>> lake = DataLake(home="/data/radops", remote="s3://team-bucket/lake")
        >>> lake.add("train.csv", "datasets/train.csv")
        >>> with lake.use():
        ...     File("datasets/train.csv").path()
    """

    def __init__(
        self,
        context: str | None = None,
        *,
        home: str | os.PathLike[str] | None = None,
        remote: str | None = None,
        offline: bool | None = None,
    ) -> None:
        self._session = open_session(context, None if home is None else Path(home), remote, offline)
        _facades[id(self._session)] = self

    @classmethod
    def current(cls) -> DataLake:
        """Return the lake that `File("name")` means: that of `use()`, or the configured one."""
        return _over(current.current_session())

    @classmethod
    def of(cls, named: Named) -> DataLake:
        """Return the lake that a file or directory is looked up in."""
        return _over(named.session)

    def use(self) -> AbstractContextManager[None]:
        """Make this the current lake inside a `with` block, and in what is started there.

        Threads, pools and processes that are started in the block work in this lake too.
        """
        return current.using(self._session)

    def __reduce__(self) -> tuple[object, ...]:
        return _over, (self._session,)

    def __repr__(self) -> str:
        return f"DataLake({self.context!r}, home={str(self.home)!r}, remote={self.remote_url!r})"

    @property
    def context(self) -> str:
        """The name of the context."""
        return self._session.settings.context

    @property
    def home(self) -> Path:
        """Where configuration and local storage are."""
        return self._session.settings.home

    @property
    def remote_url(self) -> str | None:
        """The configured remote, without options; None if there is none."""
        return self._session.settings.remote

    @property
    def offline(self) -> bool:
        """Whether this lake works without its remote."""
        return self._session.settings.offline

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that open this lake again, in another process too; empty for defaults."""
        given = self._session.arguments._asdict()
        home = {"home": str(self.home)} if given["home"] is not None else {}
        return {name: value for name, value in given.items() if value is not None} | home

    @property
    def lake_id(self) -> str:
        """The identity of the lake: 32 hexadecimal digits."""
        return self._session.lake_id

    # -- files -------------------------------------------------------------------------------

    def file(self, uid: str) -> File:
        """Return the file of that name in this lake; nothing is requested or fetched."""
        return File(uid, lake=self)

    def directory(self, uid: str) -> Directory:
        """Return the directory of that name in this lake; nothing is requested or fetched."""
        return Directory(uid, lake=self)

    def ls(
        self,
        prefix: str = "",
        *,
        recursive: bool = False,
        details: bool = False,
        generated: bool = False,
        where: str = "all",
        tag: str | None = None,
    ) -> list[Listing]:
        """List folders, then files.

        Without `details` this takes names from listings alone, one request per thousand names.

        Args:
            prefix: A folder (with or without `/` at its end) shows what is in it, a file itself;
                any other text shows the names that begin with it.
            recursive: Show the files in folders, not folders.
            details: Also size, date, originator and digest, which reads every record once.
            generated: Also files that radops named, and results that wait to be published.
            where: `all`, `local` (bytes are on this machine) or `remote`.
            tag: Only files that have this tag, also those in folders. Fetches the notes that this
                machine does not have.

        Raises:
            RemoteUnavailableError: The remote cannot be reached; `where="local"` works.
        """
        return listing.listed(
            self._session,
            prefix,
            Shown(recursive=recursive, details=details, generated=generated, where=where, tag=tag),
        )

    def out_of_sync(self) -> list[Listing]:
        """Return the files that are on this machine only, though there is a remote.

        Raises:
            RemoteUnavailableError: The remote cannot be reached.
        """
        return listing.out_of_sync(self._session)

    def expand(self, *targets: str) -> list[str]:
        """Return the UIDs that targets mean: UIDs, folders ending in `/`, or patterns.

        Raises:
            UIDNotFoundError: A target means no file.
        """
        return [str(uid) for uid in naming.select(self._session.lake, targets)]

    def split(self, *targets: str) -> tuple[list[str], dict[str, list[str]]]:
        """Return the files that targets mean, and the directories with what of each is meant.

        Args:
            targets: UIDs, folders ending in `/`, or patterns; also within directories.

        Returns:
            UIDs of files, also of single files in directories; and by the UID of a directory the
            patterns within it, none for all of it.

        Raises:
            UIDNotFoundError: A target means nothing.
        """
        lake = self._session.lake
        whole, parts, known = split_targets(lake, [latest(lake, target) for target in targets])
        chosen = naming.select(lake, whole, known) if whole or not parts else {}
        files = [str(uid) for uid, record in chosen.items() if record.type == "file"]
        directories: dict[str, list[str]] = {
            str(uid): [] for uid, record in chosen.items() if record.type == "directory"
        }
        for part in parts:
            uid = part.record.uid
            if part.file is not None:
                files.append(f"{uid}/{part.file}")
            elif not part.patterns:
                directories[uid] = []
            elif directories.get(uid) != []:
                directories.setdefault(uid, []).extend(part.patterns)
        return files, directories

    def resolve(self, name: str) -> str:
        """Return a name with `@latest` replaced by the highest version that exists.

        Raises:
            UIDNotFoundError: There is no version.
        """
        return latest(self._session.lake, name)

    def complete(self, beginning: str) -> list[str]:
        """Return UIDs known on this machine that begin so, for a shell; sends no request."""
        return listing.completions(self._session, beginning)

    def info(self, uid: str) -> FileInfo:
        """Return all that is known of a file or directory: digest, size, how it was made.

        Args:
            uid: Its name; also that of a file in a directory, `images/v2/cats/1.jpg`, or with
                `@latest` for the highest version.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        found = find_latest(self._session, uid)
        return about.describe(self._session, found.record, found.inner)

    def locate(self, name: str) -> Located | None:
        """Return what a name means: a file, a directory, or something in a directory.

        No search is made for similar names. What is in a directory is not looked at.

        Args:
            name: A name, or that of a directory and a path in it; also with `@latest`.

        Returns:
            None if nothing has the name.

        Raises:
            InvalidUIDError: It can be neither.
            RemoteUnavailableError: The remote had to be asked and cannot be reached.
        """
        session = self._session
        exact = latest(session.lake, name)
        parse_name(exact)
        found = look_up_named(session.lake, exact)
        session.remember_quietly()
        if found is None:
            return None
        uid = found.record.uid
        if found.record.type == "file":
            return Located(known_file(uid, session))
        return Located(known_directory(uid, session), found.inner or "")

    # -- bytes -------------------------------------------------------------------------------

    def download(self, *targets: str, progress: Progress | None = None) -> dict[str, Path]:
        """Fetch files that are not on this machine; return a verified path for each.

        Directories, and the parts of them that targets name, are fetched too. They have no paths in
        the answer: `Directory(uid).path()` writes them as a folder.

        Args:
            targets: UIDs, folders ending in `/`, or patterns; also within directories:
                `images/v2/cats/`, `images/v2/**/*.jpg`.
            progress: Called as the work goes on.

        Raises:
            UIDNotFoundError: A target means no file.
            CorruptObjectError: The remote holds wrong bytes; nothing of them is visible.
        """
        session = self._session
        lake = session.lake
        whole, parts, known = split_targets(lake, [latest(lake, target) for target in targets])
        chosen = naming.select(lake, whole, known) if whole or not parts else {}
        for record in chosen.values():
            current.note_read(session, record)
            if record.type == "directory":
                parts.append(Part(record, ()))
        for part in parts:
            part.check(session)
            current.note_read(session, part.record)
        session.remember_quietly()
        files = [record for record in chosen.values() if record.type == "file"]
        with limited(self.jobs):
            found = local_paths.download(session, files, progress) if files else {}
            for part in parts:
                found |= part.download(session, progress)
        return found

    def path(self, uid: str) -> Path:
        """Return a verified local path of a file, fetching it if it is not here.

        Of a directory, this is a read-only folder; see `Directory.path`.

        Raises:
            UIDNotFoundError: There is no such file.
            CorruptObjectError: The bytes are wrong and cannot be fetched again.
        """
        found = self._read(uid)
        if found.inner is not None:
            return inner_files.path(self._session, found.record, found.inner)
        if found.record.type == "directory":
            return Directory(found.record.uid, lake=self).path()
        return local_paths.path(self._session, found.record)

    def local_path(self, uid: str) -> Path | None:
        """Return a verified local path if the bytes are on this machine; never fetches.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        found = self._read(uid)
        if found.inner is None and found.record.type == "file":
            return local_paths.local_path(self._session, check_file(found.record))
        is_local = (
            about.is_local(self._session, found.record)
            if found.inner is None
            else inner_files.is_local(self._session, found.record, found.inner)
        )
        return self.path(uid) if is_local else None

    def _read(self, uid: str) -> Found:
        found = find_latest(self._session, uid)
        current.note_read(self._session, found.record)
        return found

    def duckdb(self, connection: DuckDBPyConnection) -> DuckDBPyConnection:
        """Make a connection of DuckDB read `radops://...` from this lake; return the connection.

        Needs DuckDB and fsspec: `pip install "radops[fsspec]"`.

        Example:
            >>> con = lake.duckdb(duckdb.connect())
            >>> con.sql("select count(*) from 'radops://datasets/rides/*.parquet'")
        """
        found: DuckDBPyConnection = integration("duckdb", "register")(connection, self)
        return found

    def presigned_url(self, uid: str, seconds: int = 3600) -> str:
        """Return a URL by which anyone can read the file for a while.

        Args:
            uid: The file.
            seconds: How long, at most seven days.

        Raises:
            UsageError: The remote is not on S3.
        """
        found = find_latest(self._session, uid)
        if found.inner is not None or found.record.type == "directory":
            raise UsageError(
                f"{uid} has no URL of its own, as it is stored in packs",
                uid=uid,
                hint="add the file under a UID of its own",
            )
        from radops.lake.publishing import presigned_url  # noqa: PLC0415 - rarely needed

        return presigned_url(self._session, found.record, seconds)

    def close(self) -> None:
        """Close connections and descriptors. The lake can still be used again afterwards."""
        self._session.close()


# The `DataLake` of each session that has one, as long as it is in use.
_facades: WeakValueDictionary[int, DataLake] = WeakValueDictionary()


def _over(session: Session) -> DataLake:
    """Return the `DataLake` of an open lake."""
    found = _facades.get(id(session))
    if found is None:
        found = DataLake.__new__(DataLake)
        found._session = session  # noqa: SLF001
        _facades[id(session)] = found
    return found
