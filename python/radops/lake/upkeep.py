"""Upkeep of a lake: deleting, making room, verifying, collecting, and the remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.arguments import check_flags, check_number
from radops.format.uid import parse_uid
from radops.lake import delete, evict
from radops.lake.last_verify import keep
from radops.repository.publish import GRACE_SECONDS
from radops.repository.workers import limited

if TYPE_CHECKING:
    from collections.abc import Callable

    from radops.lake.quarantine import Quarantined
    from radops.lake.reports import (
        DeleteReport,
        GCReport,
        Progress,
        PurgeReport,
        SyncReport,
    )
    from radops.lake.session import Session
    from radops.lake.verify import VerifyReport


class Upkeep:
    """The part of `DataLake` that keeps a lake in order."""

    _session: Session

    @property
    def session(self) -> Session:
        """The open lake. Not for use outside radops."""
        return self._session

    @property
    def jobs(self) -> int | None:
        """Most transfers or threads at once; None for as many as cores and remote allow."""
        return self._session.jobs

    @jobs.setter
    def jobs(self, jobs: int | None) -> None:
        check_number(jobs, "jobs", least=1, whole=True)
        self._session.jobs = jobs

    def delete(self, uid: str, *, cascade: bool = False, dry_run: bool = False) -> list[str]:
        """Delete a file for everyone; its lineage stays, and its name can be used again.

        Where only a result waits to be published under that name, that is dropped, as a whole.

        Args:
            uid: The file.
            cascade: Also delete all that was made from it.
            dry_run: Only report what would be deleted.

        Returns:
            The UIDs, each after those that were made from it.

        Raises:
            HasDependentsError: Other files were made from it; `dependents` names them.
            UIDNotFoundError: There is no such file.
        """
        return delete.delete(self._session, uid, cascade=cascade, dry_run=dry_run)

    def delete_many(
        self,
        *targets: str,
        cascade: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
        confirm: Callable[[DeleteReport], None] | None = None,
    ) -> DeleteReport:
        """Delete many files for everyone, as `delete` does one. Can be interrupted and repeated.

        Args:
            targets: UIDs, folders ending in `/`, or patterns.
            cascade: Also delete all that was made from them.
            dry_run: Only return what would be deleted.
            progress: Shows how far it is.
            confirm: Called with what is to be deleted, before anything is; raises to stop.

        Raises:
            HasDependentsError: Other files were made from these. Nothing was deleted.
            UIDNotFoundError: A target means no file. Nothing was deleted.
        """
        return delete.delete_many(
            self._session,
            targets,
            cascade=cascade,
            dry_run=dry_run,
            progress=progress,
            confirm=confirm,
        )

    def delete_local(self, *targets: str, progress: Progress | None = None) -> list[str]:
        """Remove local bytes that the remote holds; the files stay in the lake.

        Args:
            targets: UIDs, folders ending in `/`, or patterns.
            progress: Shows how far it is.

        Returns:
            The UIDs whose bytes were removed.

        Raises:
            LocalStorageError: A file's bytes are nowhere else; nothing more was removed.
            UsageError: There is no remote.
            RemoteUnavailableError: The remote has to be asked and cannot be.
        """
        return evict.delete_local(self._session, targets, progress)

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
            dry_run: Only report what would be removed.
            progress: Called as the work goes on.

        Raises:
            LocalStorageError: There is no remote.
            UIDNotFoundError: A target means no file.
        """
        return evict.purge(
            self._session,
            targets,
            older_than=older_than,
            max_size=max_size,
            dry_run=dry_run,
            progress=progress,
        )

    def empty_quarantine(
        self, *, older_than: float = 0, dry_run: bool = False
    ) -> list[Quarantined]:
        """Delete the damaged bytes and unknown files that `verify` set aside on this machine.

        Args:
            older_than: Only what has been there for so many seconds.
            dry_run: Only report what would be deleted.

        Returns:
            What was deleted.

        Raises:
            LocalStorageError: A file cannot be deleted.
        """
        from radops.lake.quarantine import empty_quarantine  # noqa: PLC0415 - rarely needed

        return empty_quarantine(self._session, older_than=older_than, dry_run=dry_run)

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
        not on this machine; it need not be reachable. `verify(...).raise_for_problems()` is a good
        first line of a training script. The outcome is kept for `last_verifies`.

        Args:
            targets: UIDs, folders ending in `/`, or patterns; none for everything.
            quick: Trust files that were checked before and did not change since, by their stat,
                and send no request.
            complete: Files that are not on this machine are problems too; asks the remote.
            remote: Verify the remote instead: names, records, edges and sizes of objects.
            full: With `remote`: also read and hash all its objects. Goes on where it was cut.
                Here: prove the layouts of directories again as well, file by file.
            repair: Repair what can be repaired, from the remote; with `remote`, from this machine.
            progress: Called as the work goes on.
            jobs: How many threads; None for one per core, or for what the remote takes.

        Raises:
            UIDNotFoundError: A target means no file.
            UsageError: The options contradict each other, or there is no remote.
            RemoteUnavailableError: The remote is needed and cannot be reached.
        """
        from radops.lake.verify import VerifyOptions, verify  # noqa: PLC0415 - as in `lineage`

        check_number(jobs, "jobs", least=1, whole=True)
        options = VerifyOptions(
            quick=quick,
            complete=complete,
            remote=remote,
            full=full,
            repair=repair,
            progress=progress,
            jobs=jobs,
        )
        report = verify(self._session, targets, options)
        keep(self._session, targets, report)
        return report

    def gc(
        self,
        dry_run: bool = True,
        *,
        grace: float = GRACE_SECONDS,
        where: str = "all",
        progress: Progress | None = None,
    ) -> GCReport:
        """Collect objects that no file of the lake needs any more.

        They go to the trash, and are deleted from there by a later call, once the grace is over.
        This is done in the remote and in the local storage of this home, for all its lakes.

        Args:
            dry_run: Only say what would be done.
            grace: Seconds that everything is left alone. With less than half a day a writer
                that is slow may lose what it has just found in place.
            where: `all`, `local` (this machine) or `remote`.
            progress: Called as the work goes on.

        Raises:
            RemoteRefusedError: It needs the right to delete. Nothing was done.
            CorruptRecordError: A record does not decode, so what it needs is not known.
                Nothing was collected there.
            NewerFormatError: The lake needs a later version of radops. Nothing was done.
        """
        from radops.lake.gc import gc  # noqa: PLC0415 - as in `verify`

        return gc(self._session, dry_run=dry_run, grace=grace, where=where, progress=progress)

    def sync(
        self, *uids: str, dry_run: bool = False, progress: Progress | None = None
    ) -> SyncReport:
        """Publish what is only here or pending; drop what was deleted in the remote.

        Args:
            uids: Only these, and what they were made from; none for everything.
            dry_run: Only say what would be done.
            progress: Called as the work goes on.

        Raises:
            UsageError: There is no remote, or the lake is used offline.
            UIDNotFoundError: One of `uids` is not there.
        """
        from radops.lake.publishing import synchronise  # noqa: PLC0415 - as in `verify`

        check_flags(dry_run=dry_run)
        names = [parse_uid(uid) for uid in uids]
        with limited(self.jobs):
            return synchronise(self._session, names, dry_run, progress)

    def join(self) -> str:
        """Join the lake that the remote holds, or make one there; return its identity.

        Other calls do this when they first need the remote. Done when a context is set up, it lets
        a machine work offline from the start.

        Raises:
            ForeignLakeError: The remote holds another lake than this context.
            RemoteUnavailableError: It cannot be reached.
        """
        from radops.lake.publishing import join  # noqa: PLC0415 - as in `verify`

        return join(self._session)
