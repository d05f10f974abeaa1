"""What a display of a lake asks, page by page: rows of large listings, names in directories."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from radops.errors import UsageError
from radops.format.uid import parse_uid
from radops.lake.directory.inside import entries_after, names_after
from radops.lake.last_verify import last_verifies
from radops.lake.local_listing import Known
from radops.lake.reports import Checks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.lake.reports import LastVerify, Listing
    from radops.lake.session import Session


class Browsing:
    """The part of `DataLake` that shows listings of any size, a page at a time."""

    _session: Session

    def details(self, rows: Sequence[Listing]) -> list[Listing]:
        """Return rows of `ls` with size, date, originator and digest, as `details=True` has them.

        Only the records of these rows are read, so a page of a listing with very many names costs
        no more than a page. Rows of folders, of files that were deleted since, and rows that have
        their details stay as they are.

        Args:
            rows: Some of the rows that `ls` returned.

        Raises:
            RemoteUnavailableError: A record is not on this machine, and the remote cannot be
                reached.
        """
        lake = self._session.lake
        bare = [parse_uid(row.uid) for row in rows if row.digest is None and not row.is_folder]
        known = {str(uid): Known.of(lake, record) for uid, record in lake.find_all(bare).items()}
        return [_filled(row, known.get(row.uid)) for row in rows]

    def names(self, folder: str, *, after: str = "", limit: int = 1000) -> list[str]:
        """Return names directly in a directory, or in a folder of one; those of folders end in `/`.

        Args:
            folder: `images/v1/` or `images/v1/cats/`.
            after: Only names that follow this one, the last of the page before.
            limit: Most names.

        Raises:
            UIDNotFoundError: There is no such folder.
            UsageError: The folder is in no directory.
        """
        found = names_after(self._session.lake, folder, after, limit)
        if found is None:
            raise _not_inside(folder)
        return found

    def entries(self, folder: str, *, after: str = "", limit: int = 1000) -> list[Listing]:
        """Return rows of what is directly in a directory, or in a folder of one, by name.

        A page costs the same wherever in the directory it is, and however large that is.

        Args:
            folder: `images/v1/` or `images/v1/cats/`.
            after: Only what follows this name, the last of the page before (with its `/`).
            limit: Most rows.

        Raises:
            UIDNotFoundError: There is no such folder.
            UsageError: The folder is in no directory.
        """
        found = entries_after(self._session.lake, folder, after, limit)
        if found is None:
            raise _not_inside(folder)
        return found

    def checks(self, uid: str | None = None) -> Checks:
        """Return when bytes on this machine were last read and compared with their digests.

        Taken from the catalogue of this home, so nothing is read and no request is sent. Adding
        and downloading a file checks it as well as `verify` does.

        Args:
            uid: Only this file; None for all objects in local storage.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        store = self._session.store
        if uid is None:
            return Checks(*store.checks())
        record = self._session.record(parse_uid(uid))
        return Checks(*store.checks(record.digest))

    def last_verifies(self) -> list[LastVerify]:
        """Return the outcome of the last completed verifies, the newest first.

        At most four: the last verify of everything and the last one of some files, each of this
        machine and of the remote. For display only: the notes on this machine that it is read
        from prove nothing and can be lost, and verifies of other machines are not among them.
        """
        return last_verifies(self._session)


def _filled(row: Listing, known: Known | None) -> Listing:
    if known is None:
        return row
    return dataclasses.replace(
        row,
        local=known.local,
        size=known.size,
        created_at=known.created_at,
        originator=known.originator,
        digest=known.digest,
        files=known.files,
    )


def _not_inside(folder: str) -> UsageError:
    return UsageError(f"{folder} is not in a directory", hint="list folders of the lake with ls")
