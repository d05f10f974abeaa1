"""Results of calls: found again, compared, committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import (
    LineageMismatchError,
    UIDConflictError,
)
from radops.format.record import FileRecord
from radops.format.uid import UID
from radops.lake import messages
from radops.lake.commit_call import publish_draft, publish_sources
from radops.lake.info import call_of
from radops.lake.pending_results import publish_named
from radops.pipeline.difference import differences, is_same_but_for_name, keep_name_hint
from radops.repository import layout
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from radops.format.call import Call
    from radops.format.digest import Digest
    from radops.lake.session import Session
    from radops.pipeline.call import BoundCall
    from radops.repository.working_lake import WorkingLake


def find_result(call: BoundCall) -> Call | None:
    """Return the recorded call whose outputs are those of this one, if all of them exist.

    Only records are fetched, no bytes of files.

    Raises:
        LineageMismatchError: An output's name exists, but was made in another way.
        UIDConflictError: An output's name is a folder, or was added by hand.
    """
    session = call.session
    if call.output_uids is None:
        return find_by_key(session, call.key)
    found: Call | None = None
    missing = False
    records: dict[UID, FileRecord] = {}
    for uid in call.output_uids:
        state = session.lake.state(uid)
        if not isinstance(state, Taken):
            missing = True
            continue
        record = state.record
        if not isinstance(record, FileRecord):
            raise UIDConflictError(f"{uid} is a folder", uid=uid, hint="choose another output_uid")
        records[uid] = record
        made = call_of(session.lake, record)
        if made is None or (made.key != call.key and not is_same_but_for_name(made, call)):
            renamed = keep_name_hint(made, call)
            raise LineageMismatchError(
                f"{uid} exists, but was not made by this call:"
                f" {'; '.join(differences(made, call))}",
                uid=uid,
                hint=f"{renamed}; else choose another output_uid, or delete that file first"
                if renamed
                else "choose another output_uid, or delete that file first",
            )
        if made is not found:  # the outputs of one call of many name one object
            _check_outputs(made, call)
        found = found or made
    if missing or found is None or not _is_in_lake(session, found, records):
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


def find_by_key(session: Session, key: Digest) -> Call | None:
    """Return the recorded call with a key that gave its outputs no names of its own."""
    made = _first_complete(session, key, session.call_hint(key))
    if made is None:
        # No hint, or an old one: made again elsewhere, the result may have other names.
        made = _first_complete(session, key, _search_implicit(session.lake, key))
        if made is not None:
            session.note_call(key, made.outputs[0].uid)
    return made


def is_complete(session: Session, made: Call) -> bool:
    """Return whether everything that a call made is in the lake as it made it."""
    return _is_in_lake(session, made, {})


def _first_complete(session: Session, key: Digest, uids: Iterable[UID]) -> Call | None:
    """Return the call with that key that made one of these files, if all it made is in the lake."""
    lake = session.lake
    for uid in uids:
        record = lake.find(uid)
        made = None if record is None else call_of(lake, record)
        if record is None or made is None or made.key != key:
            continue
        if _is_in_lake(session, made, {uid: record}):
            return made
    return None


def _search_implicit(lake: WorkingLake, key: Digest) -> list[UID]:
    """Return the implicit outputs of a call by their common beginning: a listing, no scan."""
    prefix = f"{layout.GENERATED.removeprefix(layout.REFS)}{key}_"
    side = lake.local if lake.remote is None else lake.remote
    return sorted({UID(one.uid) for one in side.slots.list(prefix) if one.size >= 0})


def _is_in_lake(session: Session, call: Call, seen: Mapping[UID, FileRecord]) -> bool:
    """Return whether every output of a call is in the lake as the call made it.

    Their bytes are not read.

    Args:
        session: The lake.
        call: The call.
        seen: Records that were found just now.
    """
    lake = session.lake
    for output in call.outputs:
        record = seen.get(output.uid) or lake.find(output.uid)
        if record is None or record.digest != output.digest:
            return False
        # Where the lake is here only, bytes that are not here are nowhere: they are made again.
        if lake.is_local_only and not lake.store.is_here(output.digest, output.size):
            return False
    return True


def publish_pending(call: BoundCall) -> Call | None:
    """Publish the result of a call that was finished before but could not be published.

    Returns:
        The recorded call; None if no result of it waits, or what it needs was deleted meanwhile.

    Raises:
        LineageMismatchError: It made the files for other places than they are now asked for.
        UIDConflictError: It cannot be published, as others made one of its outputs or inputs.
    """
    session = call.session
    kept = session.pending.find(call.key, call.output_uids)
    made = None if kept is None else call_of(session.lake, kept.draft.records[0])
    if kept is None or made is None:
        return None
    _check_outputs(made, call)
    inputs = (*made.inputs, *made.reads)
    if publish_sources(session, inputs) == inputs:
        made = publish_draft(session, kept.draft, made)
        session.pending.drop(kept)
    else:
        # Its inputs have other records now, which `sync` writes into those of the result.
        publish_named(session, kept.uids)
        made = _first_complete(session, made.key, kept.uids)
    if made is not None:
        messages.tell("published what %s had finished before", made.name)
    return made
