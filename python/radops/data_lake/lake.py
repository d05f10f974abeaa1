"""The lake: what people and the command line ask of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from radops.config import resolve
from radops.data_lake import adding, collecting, describing, naming, purging, removing
from radops.data_lake.current import current_lake, using
from radops.data_lake.file import File
from radops.data_lake.meter import stage
from radops.data_lake.session import Session
from radops.errors import (
    InvalidUIDError,
    RemoteUnavailableError,
    UIDNotFoundError,
    UsageError,
)
from radops.model.record import FileRecord
from radops.model.uid import UID, is_reserved, parse_prefix, parse_uid
from radops.repository.layout import object_key
from radops.repository.publish import GRACE_SECONDS
from radops.repository.sync import sync
from radops.repository.transfer import limited

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from radops.data_lake.lineage import Lineage
    from radops.data_lake.reports import (
        AddResult,
        FileInfo,
        GCReport,
        Listing,
        Progress,
        PurgeReport,
        SyncReport,
    )
    from radops.data_lake.verify import VerifyReport
    from radops.data_lake.why import MadeFrom

_DAY = 24 * 3600


class DataLake:
    """A lake: files by name, immutable, with their lineage.

    Nothing is created, opened or asked before it is needed. Thread-safe; pickled by where it is,
    not by what it holds.

    Args:
        context: A configured context; None for the current one.
        home: Where local storage is; None for `RADOPS_HOME`, else `~/.radops`.
        remote: `s3://bucket/prefix?endpoint_url=...&region=...` or `file:///folder`; None for
            the context's.
        offline: Work apart from the remote; None for what `RADOPS_OFFLINE` says.

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
        self._arguments = (context, None if home is None else Path(home), remote, offline)
        self._session = Session(resolve(*self._arguments))
        self.jobs: int | None = None
        """Most transfers or threads at once; None for what cores and remote take."""

    @classmethod
    def current(cls) -> DataLake:
        """Return the lake that `File("name")` means: that of `use()`, or the configured one."""
        return current_lake(cls)

    def use(self) -> AbstractContextManager[None]:
        """Make this the current lake inside a `with` block."""
        return using(self)

    def __reduce__(self) -> tuple[object, ...]:
        return _reopen, self._arguments

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
        """Whether this lake works apart from its remote."""
        return self._session.settings.offline

    @property
    def lake_id(self) -> str:
        """The identity of the lake: 32 hexadecimal digits."""
        return self._session.lake_id

    @property
    def session(self) -> Session:
        """What the lake works with. Not for use outside radops."""
        return self._session

    # -- files -------------------------------------------------------------------------------

    def file(self, uid: str) -> File:
        """Return the file of that name in this lake; nothing is asked or fetched."""
        return File(uid, lake=self)

    def ls(
        self,
        prefix: str = "",
        *,
        recursive: bool = False,
        details: bool = False,
        generated: bool = False,
        where: str = "all",
    ) -> list[Listing]:
        """List folders, then files.

        Without `details` this takes names from listings alone, one request per thousand names.

        Args:
            prefix: Only names that begin so; a folder's name shows what is in it.
            recursive: Show the files in folders, not folders.
            details: Also size, date, originator and digest, which reads every record once.
            generated: Also files that radops named, and results that wait to be published.
            where: `all`, `local` (bytes are on this machine) or `remote`.

        Raises:
            RemoteUnavailableError: The remote cannot be reached; `where="local"` works.
        """
        if where not in ("all", "local", "remote"):
            raise UsageError(f"where is {where!r}", hint="use all, local or remote")
        start = parse_prefix(prefix)
        if where != "local":
            self._session.check_remote()
        mirror = self._session.mirror
        if where == "remote" and mirror.remote is None:
            raise UsageError("this lake works without a remote")
        options = {"recursive": recursive, "generated": generated, "details": details}
        rows = naming.listing(mirror, start, where=where, **options)
        if start and not start.endswith("/") and [row.uid for row in rows] == [f"{start}/"]:
            rows = naming.listing(mirror, f"{start}/", where=where, **options)
        if where != "remote":
            rows += [row for row in self._waiting() if row.uid.startswith(start)]
        self._session.remember_quietly()
        return rows

    def out_of_sync(self) -> list[Listing]:
        """Return the files that stand on this machine only, though there is a remote.

        Raises:
            RemoteUnavailableError: The remote cannot be reached.
        """
        if self.remote_url is None:
            return []
        mirror = self._session.mirror
        rows = [
            naming.row(mirror, taken.uid, taken.record)
            for taken in mirror.unconfirmed()
            if isinstance(taken.record, FileRecord)
        ]
        return rows + self._waiting()

    def _waiting(self) -> list[Listing]:
        rows = []
        for kept in self._session.pending.readable():
            for record in kept.draft.records:
                row = naming.row(self._session.mirror, record.uid, record)
                rows.append(replace(row, pending=True))
        return rows

    def expand(self, *targets: str) -> list[str]:
        """Return the UIDs that targets mean: UIDs, folders ending in `/`, or patterns.

        Raises:
            UIDNotFoundError: A target means no file.
        """
        return [str(uid) for uid in naming.select(self._session.mirror, targets)]

    def complete(self, beginning: str) -> list[str]:
        """Return UIDs known on this machine that begin so, for a shell; asks nobody."""
        try:
            start = parse_prefix(beginning)
        except InvalidUIDError:
            return []
        here = self._session.mirror.here
        files, folders = naming.names(here.slots, start, recursive=False)
        return sorted(name for name in {*map(str, files), *folders} if not is_reserved(UID(name)))

    def info(self, uid: str) -> FileInfo:
        """Return all that is known of a file: digest, size, and how it came to be.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        mirror = self._session.mirror
        return describing.describe(mirror, self._record(uid))

    def _record(self, uid: str) -> FileRecord:
        return self._session.record(parse_uid(uid))

    # -- adding ------------------------------------------------------------------------------

    def add(
        self,
        source: str | os.PathLike[str],
        uid: str | None = None,
        *,
        move: bool = False,
        progress: Progress | None = None,
    ) -> AddResult:
        """Add a file from outside the lake.

        Adding bytes that already stand under that name is done, not an error.

        Args:
            source: A path, or a URL (`http`, `https`, `s3`, `file`).
            uid: Its name in the lake; None for the file's own name.
            move: Remove the source once the lake holds it.
            progress: Told how far it is.

        Raises:
            UIDConflictError: Other bytes stand under that name, or it is a folder.
            MissingFileError: There is no such file.
            RemoteUnavailableError: The remote, or the URL's server, cannot be reached.
        """
        with limited(self.jobs):
            return adding.add(self._session, source, uid, move=move, progress=progress)

    def add_many(
        self,
        pairs: Iterable[tuple[str | os.PathLike[str], str]],
        *,
        move: bool = False,
        progress: Progress | None = None,
    ) -> list[AddResult]:
        """Add many files in batches; each becomes visible whole, and none before it is durable.

        Everything that can be checked is checked before anything is written. An add that was
        interrupted can be run again: what is there already is not sent again.

        Args:
            pairs: Path and UID of each.
            move: Remove the sources once the lake holds them all.
            progress: Told how far it is.

        Raises:
            UIDConflictError: A name stands with other bytes.
            UsageError: Two different files are to get one name.
        """
        with limited(self.jobs):
            return adding.add_many(self._session, pairs, move=move, progress=progress)

    # -- bytes -------------------------------------------------------------------------------

    def download(self, *targets: str, progress: Progress | None = None) -> dict[str, Path]:
        """Fetch files that are not here; return a verified path for each.

        Args:
            targets: UIDs, folders ending in `/`, or patterns.
            progress: Told how far it is.

        Raises:
            UIDNotFoundError: A target means no file.
            CorruptObjectError: The remote holds wrong bytes; nothing of them is visible.
        """
        mirror = self._session.mirror
        chosen = naming.select(mirror, targets)
        self._session.remember_quietly()
        objects = [(record.digest, record.size) for record in chosen.values()]
        total = sum(size for _, size in objects)
        with limited(self.jobs), stage(progress, "downloading", total, len(objects)) as count:
            mirror.obtain(objects, count)
        return {str(uid): self._view(record) for uid, record in chosen.items()}

    def path(self, uid: str) -> Path:
        """Return a verified local path of a file, fetching it if it is not here.

        Raises:
            UIDNotFoundError: There is no such file.
            CorruptObjectError: The bytes are wrong and cannot be had elsewhere.
        """
        record = self._record(uid)
        self._session.path(record)
        return self._view(record)

    def local_path(self, uid: str) -> Path | None:
        """Return a verified local path if the bytes are on this machine; never fetches.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        record = self._record(uid)
        if self._session.store.proven(record.digest, record.size) is None:
            return None
        return self._view(record)

    def _view(self, record: FileRecord) -> Path:
        mirror = self._session.mirror
        key = removing.view_key(mirror, record.uid)
        return mirror.store.view(key, record.digest, record.size)

    def delete_local(self, *targets: str) -> list[str]:
        """Remove local bytes that the remote holds; the files stay in the lake.

        Returns:
            The UIDs whose bytes were removed.

        Raises:
            LocalStorageError: A file's bytes are nowhere else; nothing more was removed.
            UsageError: There is no remote.
            RemoteUnavailableError: The remote has to be asked and cannot be.
        """
        return removing.delete_local(self._session, targets)

    def purge_local_storage(
        self,
        *targets: str,
        older_than: float | None = None,
        max_size: int | None = None,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> PurgeReport:
        """Make room: remove local bytes that the remote has, the longest unused first.

        What the remote is not known to have stays, and so does what another lake of this home
        needs. The files stay in the lake, and are fetched again when they are read.

        Args:
            targets: UIDs, folders ending in `/`, or patterns; none for everything.
            older_than: Only what was not used for so many seconds.
            max_size: Stop once all of local storage takes no more bytes than this.
            dry_run: Only say what would be removed.
            progress: Told how far it is.

        Raises:
            LocalStorageError: There is no remote.
            UIDNotFoundError: A target means no file.
        """
        return purging.purge(
            self._session,
            targets,
            older_than=older_than,
            max_size=max_size,
            dry_run=dry_run,
            progress=progress,
        )

    def presigned_url(self, uid: str, seconds: int = 3600) -> str:
        """Return a URL by which anyone can read the file for a while.

        Args:
            uid: The file.
            seconds: How long, at most seven days.

        Raises:
            UsageError: The remote is not on S3.
        """
        if not 1 <= seconds <= 7 * _DAY:
            raise UsageError(f"a URL cannot be signed for {seconds} seconds", hint="1 to 604800")
        record = self._record(uid)
        mirror = self._session.mirror
        sign = (
            None if mirror.remote is None else getattr(mirror.remote.backend, "presigned_url", None)
        )
        if mirror.remote is None or sign is None:
            raise UsageError("only files in an S3 bucket have URLs", uid=uid)
        if not mirror.remote.has_object(record.digest, record.size):
            raise UsageError(
                f"{uid} is not in the remote yet", uid=uid, hint="radops datalake sync"
            )
        url: str = sign(object_key(record.digest), seconds, filename=record.name)
        return url

    # -- lineage and deleting ----------------------------------------------------------------

    def upstream(self, uid: str) -> list[str]:
        """Return the UIDs of the files that a file was made from directly."""
        call = describing.call_of(self._session.mirror, self._record(uid))
        return sorted({one.uid for one in (*call.inputs, *call.reads)}) if call else []

    def downstream(self, uid: str) -> list[str]:
        """Return the UIDs of the files that were made from a file directly."""
        return [
            record.uid for record in describing.downstream(self._session.mirror, parse_uid(uid))
        ]

    def lineage(
        self,
        uid: str,
        up: bool = True,
        down: bool = False,
        depth: int | None = None,
        *,
        verify: bool = False,
    ) -> Lineage:
        """Return the graph of what a file was made from, or of what was made from it.

        Deleted inputs are shown from their tombstones. Every record on the way up is known by
        its digest, so `problems` says where the graph was tampered with.

        Args:
            uid: The file.
            up: Show what it was made from, and what that was made from.
            down: Show what was made from it, and so on.
            depth: Steps to go in each direction; None for all.
            verify: Ask the remote for every record on the way up, whatever is known here.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        from radops.data_lake.lineage import trace  # noqa: PLC0415 - few commands need it

        mirror = self._session.mirror
        return trace(mirror, self._record(uid), up=up, down=down, depth=depth, anew=verify)

    def why(self, uid: str) -> MadeFrom:
        """Say what a file was made from, and whether its inputs and its code are the same now.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        from radops.data_lake.why import made_from  # noqa: PLC0415 - few commands need it

        return made_from(self._session, self._record(uid))

    def delete(self, uid: str, *, cascade: bool = False, dry_run: bool = False) -> list[str]:
        """Delete a file for everyone; its lineage stays, and its name can be used again.

        Where only a result waits to be published under that name, that is dropped, as a whole.

        Args:
            uid: The file.
            cascade: Also delete all that was made from it.
            dry_run: Only say what would be deleted.

        Returns:
            The UIDs, each after those that were made from it.

        Raises:
            HasDependentsError: Other files were made from it; `dependents` names them.
            UIDNotFoundError: There is no such file.
        """
        return removing.delete(self._session, uid, cascade=cascade, dry_run=dry_run)

    # -- proof -------------------------------------------------------------------------------

    def verify(
        self,
        *targets: str,
        quick: bool = False,
        complete: bool = False,
        remote: bool = False,
        full: bool = False,
        repair: bool = False,
        progress: Progress | None = None,
        jobs: int | None = None,
    ) -> VerifyReport:
        """Prove that the bytes on this machine are those that were put into the lake.

        All local bytes are read and hashed. The remote is only asked for names, to count what is
        not on this machine, and may be away. `verify(...).raise_for_problems()` is a good first
        line of a training script.

        Args:
            targets: UIDs, folders ending in `/`, or patterns; none for everything.
            quick: Trust files that were checked before and did not change since, by their stat,
                and ask nobody.
            complete: Files that are not on this machine are problems too; asks the remote.
            remote: Verify the remote instead: names, records, edges and sizes of objects.
            full: With `remote`: also read and hash all its objects. Goes on where it was cut.
            repair: Mend what can be mended, from the remote; with `remote`, from this machine.
            progress: Told how far it is.
            jobs: How many threads; None for one per core, or for what the remote takes.

        Raises:
            UIDNotFoundError: A target means no file.
            UsageError: The options contradict each other, or there is no remote.
            RemoteUnavailableError: The remote is needed and cannot be reached.
        """
        from radops.data_lake.verify import verify  # noqa: PLC0415 - few commands need it

        return verify(
            self._session,
            targets,
            quick=quick,
            complete=complete,
            remote=remote,
            full=full,
            repair=repair,
            progress=progress,
            jobs=jobs,
        )

    def gc(
        self,
        dry_run: bool = True,
        *,
        grace: float = GRACE_SECONDS,
        where: str = "all",
        progress: Progress | None = None,
    ) -> GCReport:
        """Collect objects that no file of the lake needs any more.

        They go to the trash, and from there for good the next time, a grace later. Both the
        remote and the local storage of this home are looked at, of the home all lakes at once.

        Args:
            dry_run: Only say what would be done.
            grace: Seconds that everything is left alone. With less than half a day a writer
                that is slow may lose what it has just found in place.
            where: `all`, `local` (this machine) or `remote`.
            progress: Told how far it is.

        Raises:
            RemoteRefusedError: It needs the right to delete. Nothing was done.
            CorruptRecordError: A record does not decode, so what it needs is not known.
                Nothing was collected there.
            NewerFormatError: The lake needs a later version of radops. Nothing was done.
        """
        return collecting.gc(
            self._session, dry_run=dry_run, grace=grace, where=where, progress=progress
        )

    # -- the remote --------------------------------------------------------------------------

    def sync(
        self, *uids: str, dry_run: bool = False, progress: Progress | None = None
    ) -> SyncReport:
        """Publish what is only here or pending; drop what was deleted in the remote.

        Args:
            uids: Only these, and what they were made from; none for everything.
            dry_run: Only say what would be done.
            progress: Told how far it is.

        Raises:
            UsageError: There is no remote, or the lake is used offline.
            UIDNotFoundError: One of `uids` is not there.
        """
        if self.remote_url is None:
            raise UsageError("there is no remote to sync with", hint="radops config setup")
        if self.offline:
            raise RemoteUnavailableError("sync needs the remote", hint="leave out --offline")
        if not dry_run:
            self._session.prepare_write()
        self._session.check_remote()
        mirror = self._session.mirror
        if mirror.remote is None:
            raise UsageError("there is no remote to sync with", hint="radops config setup")
        names = [parse_uid(uid) for uid in uids]
        waiting = {row.uid for row in self._waiting()}
        for name in names:
            if name not in waiting and mirror.find(name) is None:
                raise UIDNotFoundError(f"no file {name} in the lake", uid=name)
        with limited(self.jobs), stage(progress, "syncing") as count:
            return sync(
                mirror,
                mirror.remote,
                self._session.pending,
                names or None,
                count,
                dry_run=dry_run,
            )

    def join(self) -> str:
        """Meet the remote: join the lake that is there, or make it; return its identity.

        Commands do so by themselves when they first need the remote. Done when a context is set
        up, it lets a machine work offline from the start.

        Raises:
            ForeignLakeError: The remote holds another lake than this context.
            RemoteUnavailableError: It cannot be reached.
        """
        marker = self._session.check_remote()
        remote = self._session.mirror.remote
        if remote is not None and marker is None:
            remote.begin()
            self._session.prepare_write()
        self._session.remember()
        return self.lake_id

    def close(self) -> None:
        """Give connections and descriptors back. The lake can be used again all the same."""
        self._session.close()


def _reopen(
    context: str | None, home: Path | None, remote: str | None, offline: bool | None
) -> DataLake:
    return DataLake(context, home=home, remote=remote, offline=offline)
