"""What listings of a lake show: files, folders, and results that wait to be published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from radops.arguments import check_name
from radops.errors import InvalidUIDError, UsageError
from radops.format.record import FileRecord
from radops.format.uid import UID, is_reserved, parse_prefix
from radops.lake import naming
from radops.lake.directory.inside import completed_inside, listed_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.lake.reports import Listing
    from radops.lake.session import Session


class Shown(msgspec.Struct, frozen=True):
    """What a listing shows; see `DataLake.ls`."""

    recursive: bool = False
    details: bool = False
    generated: bool = False
    where: str = "all"
    tag: str | None = None


def listed(session: Session, prefix: str, shown: Shown) -> list[Listing]:
    """Return folders, then files; see `DataLake.ls`."""
    check_name(prefix, "a prefix")
    where = shown.where
    if where not in ("all", "local", "remote"):
        raise UsageError(f"where is {where!r}", hint="use all, local or remote")
    if shown.tag is not None:
        return _tagged(session, prefix, shown, shown.tag)
    inside = listed_inside(session.lake, prefix, recursive=shown.recursive, where=where)
    if inside is not None:
        session.remember_quietly()
        return inside
    start = parse_prefix(prefix)
    if where != "local":
        session.check_remote()
    lake = session.lake
    if where == "remote" and lake.remote is None:
        raise UsageError("this lake works without a remote")
    results = [] if where == "remote" else waiting(session)
    if start and not start.endswith("/"):
        folder = f"{start}/"
        if any(row.uid.startswith(folder) for row in results) or naming.is_folder(
            lake, folder, where=where
        ):
            start = folder
    rows = naming.listing(
        lake,
        start,
        where=where,
        recursive=shown.recursive,
        generated=shown.generated,
        details=shown.details,
    )
    session.remember_quietly()
    if lake.remote is not None and where != "local":
        _note_names(session, start, rows, shown)
    rows += [row for row in results if row.uid.startswith(start)]
    return [row for row in rows if row.uid == start] or rows


def _tagged(session: Session, prefix: str, shown: Shown, tag: str) -> list[Listing]:
    """Return the files below a prefix that have a tag."""
    from radops.lake.search.search import tagged  # noqa: PLC0415 - few listings need it

    names = tagged(session, tag, ask_remote=shown.where != "local")
    rows = listed(
        session, prefix, msgspec.structs.replace(shown, tag=None, recursive=True, generated=True)
    )
    return [row for row in rows if row.uid in names and not row.pending]


def _note_names(session: Session, start: str, rows: Sequence[Listing], shown: Shown) -> None:
    """Let searches find names of which this machine has no record."""
    only_names = [row.uid for row in rows if row.digest is None and not row.is_folder]
    if only_names or shown.recursive:
        session.search_index.note_listed(
            start, only_names, recursive=shown.recursive, generated=shown.generated
        )


def out_of_sync(session: Session) -> list[Listing]:
    """Return the files that are on this machine only; see `DataLake.out_of_sync`."""
    if session.settings.remote is None:
        return []
    lake = session.lake
    rows = [
        naming.row(lake, taken.uid, taken.record)
        for taken in lake.unconfirmed()
        if isinstance(taken.record, FileRecord)
    ]
    return rows + waiting(session)


def waiting(session: Session) -> list[Listing]:
    """Return the files of results that wait to be published."""
    rows = []
    for kept in session.pending.readable():
        for record in () if kept.is_again else kept.draft.records:
            row = naming.row(session.lake, record.uid, record)
            rows.append(replace(row, pending=True))
    return rows


def completions(session: Session, beginning: str) -> list[str]:
    """Return UIDs known on this machine that begin so, for a shell."""
    check_name(beginning, "the beginning of a name")
    inside = completed_inside(session.lake, beginning)
    if inside is not None:
        return inside
    try:
        start = parse_prefix(beginning)
    except InvalidUIDError:
        return []
    files, folders = naming.names(session.lake.local.slots, start, recursive=False)
    return sorted(name for name in {*map(str, files), *folders} if not is_reserved(UID(name)))
