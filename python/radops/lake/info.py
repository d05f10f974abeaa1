"""What is known of a file, from its record: `DataLake.info`; and what was made from it."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from radops.errors import CorruptDataError
from radops.format.record import FileRecord, Tombstone
from radops.format.render import readable
from radops.format.urls import code_url
from radops.lake.reports import CallInfo, CodeInfo, FileInfo, InputInfo, OutputInfo
from radops.repository import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.format.call import Call, CallInput, CallOutput, Git
    from radops.format.uid import UID
    from radops.repository.refs.repository import Repository
    from radops.repository.working_lake import WorkingLake


def describe(lake: WorkingLake, record: FileRecord) -> FileInfo:
    """Return all that is known of a file."""
    call = call_of(lake, record)
    return FileInfo(
        uid=record.uid,
        digest=record.digest,
        size=record.size,
        name=record.name,
        created_at=record.created_at,
        originator=record.originator,
        radops_version=record.radops_version,
        record=record.record_digest,
        local=lake.store.has(record.digest, record.size),
        source=record.imported.source if record.imported else None,
        call=None if call is None else _call_info(call),
    )


def call_of(lake: WorkingLake, record: FileRecord) -> Call | None:
    """Return the call that made a file; a long one may have to be fetched, once."""
    if record.call_object is not None:
        if lake.remote is not None and not lake.store.object_path(record.call_object).exists():
            data = lake.remote.read_object(record.call_object)
            lake.store.admit([lake.store.stage_bytes(data)])
        return lake.local.call_of(record)
    return record.call


def _call_info(call: Call) -> CallInfo:
    run_as = call.code.run_as or call.module
    return CallInfo(
        key=call.key,
        function=f"{run_as}.{call.name}",
        module=call.module,
        name=call.name,
        version=call.version,
        package_version=call.package_version,
        params=shown_params(call),
        inputs=[_input_info(one) for one in call.inputs],
        reads=[_input_info(one) for one in call.reads],
        outputs=[_output_info(one) for one in call.outputs],
        code=_code_info(call),
        environment={
            "python": call.environment.python,
            "platform": call.environment.platform,
            "distributions": dict(call.environment.distributions),
        },
        started_at=call.started_at,
        seconds=call.seconds,
        files_read=list(call.noticed.files) if call.noticed else [],
        variables_read=list(call.noticed.variables) if call.noticed else [],
    )


def shown_params(call: Call) -> dict[str, Any]:
    """Return the parameters of a call as people would write them, without those that are files."""
    return {name: readable(value) for name, value in call.params.items() if not _is_files(value)}


def _is_files(value: object) -> bool:
    """Return whether a canonical value is a file, or a list, tuple or dict of nothing but files."""
    match value:
        case ["file" | "directory" | "inner", _]:
            return True
        case ["list" | "tuple", [_, *_] as items]:
            return all(map(_is_files, items))
        case ["dict", [_, *_] as pairs]:
            return all(isinstance(pair, list) and any(map(_is_files, pair[1:])) for pair in pairs)
    return False


def _output_info(one: CallOutput) -> OutputInfo:
    files = None if one.files is UNSET else one.files
    return OutputInfo(one.uid, one.digest, one.size, one.place, files)


def _input_info(one: CallInput) -> InputInfo:
    inner = None if one.inner is UNSET else one.inner
    return InputInfo(one.arg, one.uid, one.digest, one.record, inner)


def _code_info(call: Call) -> CodeInfo:
    git = call.code.git
    return CodeInfo(
        url=_url(git) if git else None,
        note=_note(git) if git else _why_no_git(call),
        source=call.code.source,
        fingerprint=call.code.fingerprint,
        commit=git.commit if git else None,
        remote=git.remote if git else None,
        path=git.path if git else None,
        line=git.line if git else None,
        dirty=git.dirty if git else None,
    )


def _url(git: Git) -> str | None:
    if git.remote is None or git.commit is None or git.path is None:
        return None
    return code_url(git.remote, git.commit, git.path, git.line)


def _note(git: Git) -> str | None:
    notes = []
    if git.dirty:
        notes.append("the working tree had uncommitted changes")
    if git.commit is None:
        notes.append("nothing was committed yet")
    elif git.remote is None:
        notes.append("its repository had no remote")
    elif git.pushed is False:
        notes.append("the commit was not pushed")
    return "; ".join(notes) or None


def _why_no_git(call: Call) -> str:
    """Return why a record names no repository, as far as the rest of it shows."""
    from radops.provenance.identity import NOTEBOOK  # noqa: PLC0415 - rarely needed

    if call.module == NOTEBOOK:
        return "it was written in a notebook or at a prompt"
    if call.package_version is not None:
        return f"it is part of an installed package, version {call.package_version}"
    if call.code.source is None:
        return "its source was not at hand"
    return "its file was in no git repository"


# Files of which it is found out together whether anything was made from them.
_MANY = 64
# Keys listed for each of them, at most: beyond that a listing for each file costs less.
_LISTED_PER_FILE = 20


def may_have_downstream(lake: WorkingLake, uids: Sequence[UID]) -> list[UID]:
    """Return those of many files from which others may have been made.

    A lake in which few files have any is listed once, instead of once for each file.
    """
    if len(uids) < _MANY:
        return [*uids]
    folders: set[str] = set()
    for repository in (lake.local, lake.remote):
        if repository is not None:
            listed = repository.backend.list(repository.prefix + layout.EDGES, recursive=False)
            most = _LISTED_PER_FILE * len(uids)
            found = {one.key[len(repository.prefix) :] for one in itertools.islice(listed, most)}
            if len(found) >= most:
                return [*uids]
            folders |= found
    return [uid for uid in uids if layout.edges_prefix(uid) in folders]


def downstream(lake: WorkingLake, uid: UID, *, refresh: bool = False) -> list[FileRecord]:
    """Return the files that were made directly from a file, sorted by UID.

    Found by edges: a listing, not a scan of all records. An edge counts only if the record of its
    output lists the input.

    Args:
        lake: The lake.
        uid: The file.
        refresh: Query the remote about each of them, as before a delete.
    """
    outputs: set[UID] = set()
    for repository in (lake.local, lake.remote):
        if repository is not None:
            outputs.update(edges(repository, uid))
    records = {output: lake.find(output, refresh=refresh) for output in outputs}
    for output, record in list(records.items()):
        if record is None or record.has_shared_call:
            for one in _shared_outputs(lake, output):
                if one not in records:
                    records[one] = lake.find(one, refresh=refresh)
    found = []
    for _, record in sorted(records.items()):
        call = None if record is None else call_of(lake, record)
        if record is None or call is None:
            continue
        if any(one.uid == uid for one in (*call.inputs, *call.reads)):
            found.append(record)
    return found


def _shared_outputs(lake: WorkingLake, first: UID) -> list[UID]:
    """Return the outputs of the calls of many outputs whose first output has this name, or had."""
    contents = [content for _, content in lake.local.slots.walk(first)]
    if lake.remote is not None and not any(isinstance(one, FileRecord) for one in contents):
        contents += [content for _, content in lake.remote.slots.walk(first)]
    found: list[UID] = []
    for content in contents:
        record = content.inner() if isinstance(content, Tombstone) else content
        if isinstance(record, FileRecord) and record.has_shared_call:
            with contextlib.suppress(CorruptDataError):  # of a call that no file is of any more
                call = call_of(lake, record)
                found += [one.uid for one in call.outputs] if call is not None else []
    return found


def edges(repository: Repository, uid: UID) -> Iterable[UID]:
    """Return the UIDs that have an edge from a file."""
    prefix = repository.prefix + layout.edges_prefix(uid)
    keys = [entry.key[len(repository.prefix) :] for entry in repository.backend.list(prefix)]
    return layout.edge_outputs(uid, keys)
