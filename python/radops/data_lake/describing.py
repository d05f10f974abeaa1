"""From records to what people are told: `DataLake.info`, and the graph around a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radops.data_lake.reports import CallInfo, CodeInfo, FileInfo, InputInfo, OutputInfo
from radops.model.render import readable
from radops.model.urls import code_url
from radops.repository import layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.model.call import Call, CallInput, Git
    from radops.model.record import FileRecord
    from radops.model.uid import UID
    from radops.repository.mirror import Mirror
    from radops.repository.repository import Repository


def describe(mirror: Mirror, record: FileRecord) -> FileInfo:
    """Return all that is known of a file."""
    call = call_of(mirror, record)
    return FileInfo(
        uid=record.uid,
        digest=record.digest,
        size=record.size,
        name=record.name,
        created_at=record.created_at,
        originator=record.originator,
        radops_version=record.radops_version,
        record=record.record_digest,
        local=mirror.store.has(record.digest, record.size),
        source=record.imported.source if record.imported else None,
        call=None if call is None else _call_info(call),
    )


def call_of(mirror: Mirror, record: FileRecord) -> Call | None:
    """Return the call that made a file; a long one may have to be fetched, once."""
    if record.call_object is not None:
        if mirror.remote is not None and not mirror.store.object_path(record.call_object).exists():
            data = mirror.remote.read_object(record.call_object)
            mirror.store.admit([mirror.store.stage_bytes(data)])
        return mirror.here.call_of(record)
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
        outputs=[OutputInfo(one.uid, one.digest, one.size, one.place) for one in call.outputs],
        code=_code_info(call),
        environment={
            "python": call.environment.python,
            "platform": call.environment.platform,
            "distributions": dict(call.environment.distributions),
        },
        started_at=call.started_at,
        seconds=call.seconds,
    )


def shown_params(call: Call) -> dict[str, Any]:
    """Return the parameters of a call as people would write them, without those that are files."""
    return {name: readable(value) for name, value in call.params.items() if not _is_files(value)}


def _is_files(value: object) -> bool:
    """Say whether a canonical value is a file, or a list, tuple or dict of nothing but files."""
    match value:
        case ["file", _]:
            return True
        case ["list" | "tuple", [_, *_] as items]:
            return all(map(_is_files, items))
        case ["dict", [_, *_] as pairs]:
            return all(isinstance(pair, list) and any(map(_is_files, pair[1:])) for pair in pairs)
    return False


def _input_info(one: CallInput) -> InputInfo:
    return InputInfo(one.arg, one.uid, one.digest, one.record)


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
    """Return why a record knows no repository, as far as the rest of it tells."""
    from radops.data_lake.identity import NOTEBOOK  # noqa: PLC0415 - rarely needed

    if call.module == NOTEBOOK:
        return "it was written in a notebook or at a prompt"
    if call.package_version is not None:
        return f"it is part of an installed package, version {call.package_version}"
    if call.code.source is None:
        return "its source was not at hand"
    return "its file was in no git repository"


def downstream(mirror: Mirror, uid: UID, *, ask: bool = False) -> list[FileRecord]:
    """Return the files that were made directly from a file, sorted by UID.

    Found by edges: a listing, not a scan of all records. An edge counts only if the record that
    stands under its output's name lists the input.

    Args:
        mirror: The lake.
        uid: The file.
        ask: Ask the remote which of them still are, as before a delete.
    """
    outputs: set[UID] = set()
    for repository in (mirror.here, mirror.remote):
        if repository is not None:
            outputs.update(edges(repository, uid))
    found = []
    for output in sorted(outputs):
        record = mirror.find(output, ask=ask)
        call = None if record is None else call_of(mirror, record)
        if record is None or call is None:
            continue
        if any(one.uid == uid for one in (*call.inputs, *call.reads)):
            found.append(record)
    return found


def edges(repository: Repository, uid: UID) -> Iterable[UID]:
    """Return the UIDs that have an edge from a file."""
    prefix = repository.prefix + layout.edges_prefix(uid)
    keys = [entry.key[len(repository.prefix) :] for entry in repository.backend.list(prefix)]
    return layout.edge_outputs(uid, keys)
