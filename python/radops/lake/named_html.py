"""How notebooks display files and directories: with what this machine knows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radops.errors import InvalidUIDError, RadopsError
from radops.format.record import FileRecord
from radops.format.uid import parse_uid
from radops.lake import info
from radops.lake.context_binding import read_binding
from radops.lake.directory.names import look_up_inner
from radops.lake.directory.opened import open_directory
from radops.notebook import html_table
from radops.repository.refs.repository import Repository
from radops.repository.refs.slots import Taken
from radops.repository.working_lake import WorkingLake

if TYPE_CHECKING:
    from radops.lake.reports import CallInfo
    from radops.lake.session import Session

Rows = list[tuple[str, Any]]


def table(session: Session, name: str, kind: str) -> str:
    """Return an HTML table of what is known of a file or directory; no request is made.

    Args:
        session: The lake.
        name: Its name, or that of a directory and a path in it.
        kind: `file` or `directory`, for the message.
    """
    try:
        lake = _local(session)
        rows = None if lake is None else _rows(lake, name)
    except RadopsError as error:
        rows = [("", error.message)]
    return html_table(name, rows or [("", f"no {kind} of that name is known on this machine")])


def _local(session: Session) -> WorkingLake | None:
    """Return the lake as it is on this machine, without its remote."""
    binding = read_binding(session.storage, session.settings.context)
    if binding is None:
        return None
    return WorkingLake(
        session.store,
        Repository(
            session.storage, f"lakes/{binding.lake_id}/", originator=session.settings.originator
        ),
        None,
        offline=True,
    )


def _rows(lake: WorkingLake, name: str) -> Rows | None:
    at = name.find("/")
    while at >= 0:
        above = _record(lake, name[:at])
        if above is not None and above.type == "directory":
            return _inner_rows(lake, above, name[at + 1 :])
        at = name.find("/", at + 1)
    record = _record(lake, name)
    if record is None:
        return None
    rows: Rows = []
    if record.type == "directory":
        rows += [("files", record.files or 0), ("size", f"{record.bytes or 0:,} bytes")]
        is_local = open_directory(lake, record).has_all()
    else:
        rows.append(("size", f"{record.size:,} bytes"))
        is_local = lake.store.has(record.digest, record.size)
    return [*rows, *_origin(lake, record), ("on this machine", is_local)]


def _record(lake: WorkingLake, name: str) -> FileRecord | None:
    """Return the record of a name, if this machine knows it."""
    try:
        state = lake.local_state(parse_uid(name))
    except InvalidUIDError:
        return None
    record = state.record if isinstance(state, Taken) else None
    return record if isinstance(record, FileRecord) else None


def _inner_rows(lake: WorkingLake, directory: FileRecord, path: str) -> Rows | None:
    rows: Rows = [("in the directory", directory.uid)]
    opened = open_directory(lake, directory)
    try:
        inner = look_up_inner(opened, path)
    except RadopsError:  # its table of contents is not on this machine
        return [*rows, *_origin(lake, directory)]
    if inner is None:
        return None
    entry = inner.entry
    rows += [("size", f"{entry.size:,} bytes"), ("digest", entry.digest)]
    return [*rows, *_origin(lake, directory)[1:]]


def _origin(lake: WorkingLake, record: FileRecord) -> Rows:
    """Return what a file or directory is and where it came from."""
    rows: Rows = [
        ("digest", record.digest),
        ("made", f"{record.created_at} by {record.originator}"),
    ]
    if record.imported is not None:
        rows.append(("source", record.imported.source))
    try:
        call = info.describe(lake, record).call
    except RadopsError:  # long calls are objects of their own, which may not be here
        call = None
    return rows if call is None else rows + _call(call)


def _call(call: CallInfo) -> Rows:
    params = ", ".join(f"{name}={value}" for name, value in call.params.items())
    inputs = [(one.arg or "read", one.name) for one in (*call.inputs, *call.reads)]
    return [("function", f"{call.function}({params})"), *inputs]
