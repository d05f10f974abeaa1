"""What files were made from, and what was made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.format.uid import parse_uid
from radops.lake import info
from radops.lake.directory.names import find_latest

if TYPE_CHECKING:
    from radops.lake.lineage import Lineage
    from radops.lake.made_from import MadeFrom
    from radops.lake.session import Session


class Ancestry:
    """The part of `DataLake` that answers where files come from."""

    _session: Session

    def upstream(self, uid: str) -> list[str]:
        """Return the UIDs of the files that a file was made from directly."""
        call = info.call_of(self._session.lake, find_latest(self._session, uid).record)
        return sorted({one.uid for one in (*call.inputs, *call.reads)}) if call else []

    def downstream(self, uid: str) -> list[str]:
        """Return the UIDs of the files that were made from a file directly."""
        return [record.uid for record in info.downstream(self._session.lake, parse_uid(uid))]

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

        Deleted inputs are shown from their tombstones. Every record on the way up is known by its
        digest, so `problems` lists where the graph was tampered with.

        Args:
            uid: The file.
            up: Show what it was made from, and what that was made from.
            down: Show what was made from it, and so on.
            depth: Steps to go in each direction; None for all.
            verify: Ask the remote for every record on the way up, whatever is known here.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        from radops.lake.lineage import trace  # noqa: PLC0415 - few commands need it

        lake = self._session.lake
        return trace(
            lake,
            find_latest(self._session, uid).record,
            up=up,
            down=down,
            depth=depth,
            refresh=verify,
        )

    def why(self, uid: str) -> MadeFrom:
        """Return what a file was made from, and whether its inputs and its code are the same now.

        Raises:
            UIDNotFoundError: There is no such file.
        """
        from radops.lake.made_from import made_from  # noqa: PLC0415 - few commands need it

        return made_from(self._session, find_latest(self._session, uid).record)
