"""Results of calls: found again, compared, committed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from radops.data_lake.describing import call_of
from radops.data_lake.difference import differences
from radops.data_lake.keeping import kept_for_later, publish_named
from radops.data_lake.meter import ignore
from radops.errors import (
    LineageMismatchError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
)
from radops.model.build import build_call
from radops.model.call import encode_call
from radops.model.record import FileRecord
from radops.model.uid import UID, is_reserved
from radops.repository import layout
from radops.repository.draft import Draft
from radops.repository.repository import now
from radops.repository.slots import Taken
from radops.version import radops_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from radops.data_lake.call import BoundCall
    from radops.data_lake.session import Session
    from radops.model.call import Call, CallInput
    from radops.model.digest import Digest
    from radops.repository.local import Staged
    from radops.repository.mirror import Mirror

_LOG = logging.getLogger("radops")


def find_result(call: BoundCall, module: str, name: str, version: str | None) -> Call | None:
    """Return the recorded call whose outputs are those of this one, if all of them stand.

    Only records are fetched, no bytes of files.

    Raises:
        LineageMismatchError: An output's name stands, but was made in another way.
        UIDConflictError: An output's name is a folder, or was added by hand.
    """
    session = call.lake.session
    if call.output_uids is None:
        return _find_implicit(session, call.key)
    found: Call | None = None
    missing = False
    records: dict[UID, FileRecord] = {}
    for uid in call.output_uids:
        state = session.mirror.state(uid)
        if not isinstance(state, Taken):
            missing = True
            continue
        record = state.record
        if not isinstance(record, FileRecord):
            raise UIDConflictError(f"{uid} is a folder", uid=uid, hint="choose another output_uid")
        records[uid] = record
        made = call_of(session.mirror, record)
        if made is None or made.key != call.key:
            raise LineageMismatchError(
                f"{uid} exists, but was not made by this call:"
                f" {'; '.join(differences(made, call, module, name, version))}",
                uid=uid,
                hint="choose another output_uid, or delete that file first",
            )
        _check_outputs(made, call)
        found = found or made
    if missing or found is None or not _stand(session, found, records):
        return None
    return found


def _check_outputs(made: Call, call: BoundCall) -> None:
    """Refuse a result whose files are not those that the call asks for, each in its place.

    The places of a list are the function's business: it may return its outputs in another order
    than it was given their names.

    Raises:
        LineageMismatchError: They are others, fewer or more, or have changed places.
    """
    hint = "ask for the same output_uids, choose others, or delete those files first"
    names = sorted(output.uid for output in made.outputs)
    if call.output_uids is not None and names != sorted(call.output_uids):
        raise LineageMismatchError(
            f"this call has made {', '.join(names)} in one go,"
            f" and is now to make {', '.join(sorted(call.output_uids))}",
            uid=names[0],
            hint=hint,
        )
    asked = call.output_places
    for output in made.outputs:
        wanted = asked.get(output.place) if isinstance(output.place, str) else None
        if wanted is not None and wanted != output.uid:
            raise LineageMismatchError(
                f"this call has made {output.uid} as {output.place!r}, which is now to be {wanted}",
                uid=output.uid,
                hint=hint,
            )


def _find_implicit(session: Session, key: Digest) -> Call | None:
    made = _first_standing(session, key, session.call_hint(key))
    if made is None:
        # No hint, or an old one: made anew elsewhere, the result may have got other names.
        made = _first_standing(session, key, _search_implicit(session.mirror, key))
        if made is not None:
            session.note_call(key, made.outputs[0].uid)
    return made


def _first_standing(session: Session, key: Digest, uids: Iterable[UID]) -> Call | None:
    """Return the call with that key that made one of these files, if all it made stand."""
    mirror = session.mirror
    for uid in uids:
        record = mirror.find(uid)
        made = None if record is None else call_of(mirror, record)
        if record is None or made is None or made.key != key:
            continue
        if _stand(session, made, {uid: record}):
            return made
    return None


def _search_implicit(mirror: Mirror, key: Digest) -> list[UID]:
    """Return the implicit outputs of a call by their common beginning: a listing, no scan."""
    prefix = f"{layout.GENERATED.removeprefix(layout.REFS)}{key}_"
    side = mirror.here if mirror.remote is None else mirror.remote
    return sorted({UID(one.uid) for one in side.slots.list(prefix) if one.size >= 0})


def _stand(session: Session, call: Call, seen: Mapping[UID, FileRecord]) -> bool:
    """Say whether every output of a call stands in the lake as the call made it.

    Their bytes are not read.

    Args:
        session: The lake.
        call: The call.
        seen: Records that were found just now.
    """
    mirror = session.mirror
    for output in call.outputs:
        record = seen.get(output.uid) or mirror.find(output.uid)
        if record is None or record.digest != output.digest:
            return False
        # Where the lake is here only, bytes that are not here are nowhere: they are made again.
        if mirror.alone and not mirror.store.is_here(output.digest, output.size):
            return False
    return True


def publish_sources(session: Session, inputs: Iterable[CallInput]) -> tuple[CallInput, ...]:
    """Make sure that what something was made from stands in the remote, before that does.

    Returns:
        The inputs, with the digests of their records as they stand in the remote.

    Raises:
        UIDNotFoundError: One was deleted meanwhile.
        UIDConflictError: One could not be published.
    """
    inputs = tuple(inputs)
    mirror = session.mirror
    unpublished = mirror.check_sources(inputs)
    if not unpublished or mirror.remote is None:
        return inputs
    publish_named(session, unpublished)
    renewed = []
    for one in inputs:
        record = mirror.find(one.uid)
        renewed.append(one if record is None else replace_record(one, record))
    return tuple(renewed)


def replace_record(one: CallInput, record: FileRecord) -> CallInput:
    """Return the input under the record that stands for it now."""
    return type(one)(one.arg, one.uid, one.digest, record.record_digest)


def commit_result(
    session: Session,
    call: Call,
    extra: Sequence[Staged],
    staged: Sequence[Staged],
    failure: RadopsError | None = None,
) -> Call:
    """Commit the outputs of a call, all or none; return the call that stands for them.

    Args:
        session: The lake.
        call: The finished call.
        extra: Other objects that the call's records keep.
        staged: Its outputs.
        failure: Why the remote cannot be written to, where that is known already.

    Raises:
        RemoteUnavailableError: The remote went away; the result is kept under `pending/`.
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
        sorted({(one.digest, one.size) for one in objects}),
        call.key,
        sorted({one.uid for one in (*call.inputs, *call.reads)}),
    )
    if failure is not None:
        raise kept_for_later(session, [draft], failure) from failure
    try:
        return _publish(session, draft, call)
    except (RemoteUnavailableError, RemoteRefusedError) as error:
        raise kept_for_later(session, [draft], error) from error


def _publish(session: Session, draft: Draft, call: Call) -> Call:
    """Commit a draft whose objects are in the local store; see `commit_result`."""
    mirror = session.prepare_write()
    states = mirror.write_states([record.uid for record in draft.records])
    (outcome,), _ = mirror.make([draft], states, ignore)
    if isinstance(outcome, RadopsError):
        raise outcome
    if is_reserved(call.outputs[0].uid):
        session.note_call(call.key, call.outputs[0].uid)
    return call


def publish_pending(call: BoundCall) -> Call | None:
    """Publish the result of a call that was finished before but could not be published.

    Returns:
        The call that stands for it now; None if nothing of it waits, or was deleted meanwhile.

    Raises:
        LineageMismatchError: It made the files for other places than they are now asked for.
        UIDConflictError: It cannot be published, as others made one of its outputs or inputs.
    """
    session = call.lake.session
    kept = session.pending.find(call.key, call.output_uids)
    made = None if kept is None else call_of(session.mirror, kept.draft.records[0])
    if kept is None or made is None:
        return None
    _check_outputs(made, call)
    inputs = (*made.inputs, *made.reads)
    if publish_sources(session, inputs) == inputs:
        made = _publish(session, kept.draft, made)
        session.pending.drop(kept)
    else:
        # Its inputs stand under other records now, which `sync` writes into those of the result.
        publish_named(session, kept.uids)
        made = _first_standing(session, made.key, kept.uids)
    if made is not None:
        _LOG.info("published what %s had finished before", made.name)
    return made
