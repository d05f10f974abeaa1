"""Committing what a call made: the last step of a creator, and of a file with declared inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from radops.errors import RadopsError, RemoteRefusedError, RemoteUnavailableError
from radops.format.build import build_call
from radops.format.call import encode_call
from radops.format.uid import is_reserved
from radops.lake.pending_results import kept_for_later, publish_named
from radops.repository.progress import ignore
from radops.repository.refs.draft import Draft
from radops.repository.refs.repository import now
from radops.version import radops_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.format.call import Call, CallInput
    from radops.format.record import FileRecord
    from radops.lake.session import Session
    from radops.repository.objects.store import Staged
    from radops.repository.refs.slots import Taken
    from radops.repository.trees.intake import TakenIn


def publish_sources(session: Session, inputs: Iterable[CallInput]) -> tuple[CallInput, ...]:
    """Publish what something was made from, before that is published itself.

    Returns:
        The inputs, with the digests of their records in the remote.

    Raises:
        UIDNotFoundError: One was deleted meanwhile.
        UIDConflictError: One could not be published.
    """
    inputs = tuple(inputs)
    lake = session.lake
    unpublished = lake.check_sources(inputs)
    if not unpublished or lake.remote is None:
        return inputs
    publish_named(session, unpublished)
    renewed = []
    for one in inputs:
        record = lake.find(one.uid)
        renewed.append(one if record is None else replace_record(one, record))
    return tuple(renewed)


def replace_record(one: CallInput, record: FileRecord) -> CallInput:
    """Return the input under the record that it has now."""
    return msgspec.structs.replace(one, record=record.record_digest)


def commit_call(
    session: Session,
    call: Call,
    extra: Sequence[Staged],
    staged: Sequence[Staged],
    failure: RadopsError | None = None,
    *,
    taken: Sequence[TakenIn] = (),
    bases: Sequence[Taken] = (),
) -> Call:
    """Commit the outputs of a call, all or none; return the recorded call that made them.

    Args:
        session: The lake.
        call: The finished call.
        extra: Other objects that the call's records keep.
        staged: Those of its outputs that are files.
        failure: Why the remote cannot be written to, where that is known already.
        taken: Those of its outputs that are directories.
        bases: Directories whose packs these use.

    Raises:
        RemoteUnavailableError: The remote became unreachable; the result is kept under `pending/`.
        RemoteRefusedError: It says no (a token that ran out); the result is kept as well.
        UIDConflictError: Others made one of the outputs, with other bytes.
    """
    store = session.store
    records = build_call(
        call=call,
        created_at=now(),
        originator=session.settings.originator,
        radops_version=radops_version(),
    )
    objects = [*staged, *extra]
    if records[0].call_object is not None:
        objects.append(store.stage_bytes(encode_call(call)))
    store.admit(objects)
    draft = Draft(
        records,
        list(
            dict.fromkeys(
                [
                    *sorted({(one.digest, one.size) for one in objects}),
                    *(item for one in taken for item in one.objects),
                ]
            )
        ),
        call.key,
        sorted({one.uid for one in (*call.inputs, *call.reads)}),
        bases,
    )
    if failure is not None:
        raise kept_for_later(session, [draft], failure) from failure
    try:
        return publish_draft(session, draft, call)
    except (RemoteUnavailableError, RemoteRefusedError) as error:
        raise kept_for_later(session, [draft], error) from error


def publish_draft(session: Session, draft: Draft, call: Call) -> Call:
    """Commit a draft whose objects are in the local store; see `commit_call`."""
    lake = session.prepare_write()
    states = lake.write_states([record.uid for record in draft.records])
    (outcome,), _ = lake.make([draft], states, ignore)
    if isinstance(outcome, RadopsError):
        raise outcome
    if is_reserved(call.outputs[0].uid):
        session.note_call(call.key, call.outputs[0].uid)
    return call
