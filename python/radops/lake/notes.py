"""Descriptions and tags of files: reading and changing them."""

from __future__ import annotations

import datetime
import logging
from typing import TYPE_CHECKING

from radops.errors import RemoteRefusedError, RemoteUnavailableError, UIDNotFoundError, UsageError
from radops.format import note
from radops.format.note import MAX_TAG_CHANGES, MAX_TAGS, Description
from radops.format.record import FileRecord
from radops.lake import current
from radops.lake.directory.names import find_named, parse_name
from radops.lake.directory.versions import latest
from radops.repository.refs.notes import Notes, load_notes
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from radops.format.note import Note
    from radops.format.uid import UID
    from radops.lake.session import Session

_LOG = logging.getLogger("radops")


def describe(
    session: Session,
    name: str,
    text: str | None,
    *,
    add: Iterable[str],
    remove: Iterable[str],
    clear: bool,
) -> Description:
    """Change the description and tags of a file; see `DataLake.describe`."""
    text, added, removed = _checked(text, add, remove, clear=clear)
    current.check_outside(session, f"the description of {name}")
    lake = session.prepare_write()
    state, record = _find(session, name)
    uid = state.uid
    # What the remote does not have yet is described here, and `sync` sends both.
    remote = lake.remote if lake.is_confirmed(state) else None
    here = Notes(lake.local)
    known = load_notes(here, None if remote is None else Notes(remote), uid)
    if clear:
        removed |= set(note.describe(known, record.digest).tags) - added
    changes = _changes(
        session, uid, record, known, text=text, add=sorted(added), remove=sorted(removed)
    )
    after = note.describe([*known, *changes], record.digest)
    if added and len(after.tags) > MAX_TAGS:
        raise UsageError(f"{uid} would have {len(after.tags)} tags, at most {MAX_TAGS} are allowed")
    if remote is None:
        here.write(changes)
    else:
        Notes(remote).write(changes)
        here.cache(changes)
    return after


def _checked(
    text: str | None, add: Iterable[str], remove: Iterable[str], *, clear: bool
) -> tuple[str | None, set[str], set[str]]:
    """Check what is to be changed, before anything is looked up.

    Raises:
        UsageError: It cannot be done, or it is nothing.
    """
    for tags in (add, remove):
        if isinstance(tags, str):
            raise UsageError(f"tags are a list of texts, not {tags!r}", hint=f"use [{tags!r}]")
    added, removed = {note.parse_tag(tag) for tag in add}, {note.parse_tag(tag) for tag in remove}
    if text is not None:
        text = note.parse_text(text)
    elif clear:
        text = ""
    if text is None and not added and not removed:
        raise UsageError(
            "there is nothing to change",
            hint="give a text, tags to add or remove, or clear; `radops datalake info` shows both",
        )
    if both := sorted(added & removed):
        raise UsageError(f"the tag {both[0]} is both added and removed")
    if len(added) > MAX_TAGS or len(removed) > MAX_TAG_CHANGES:
        raise UsageError(f"a file has at most {MAX_TAGS} tags")
    return text, added, removed


def _find(session: Session, name: str) -> tuple[Taken, FileRecord]:
    """Return what a name is now, also in the remote, and its record.

    Raises:
        UIDNotFoundError: There is no such file.
        UsageError: It is a file within a directory.
    """
    lake = session.lake
    found = find_named(lake, parse_name(latest(lake, name)))
    uid = found.record.uid
    if found.inner is not None:
        raise UsageError(
            f"{name} is a file in a directory, which has no description of its own",
            uid=name,
            hint=f"describe the directory {uid}",
        )
    state = lake.state(uid, refresh=lake.remote is not None)
    if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
        raise UIDNotFoundError(f"{uid} was deleted", uid=uid)
    return state, state.record


def _changes(
    session: Session,
    uid: UID,
    record: FileRecord,
    known: list[Note],
    *,
    text: str | None,
    add: list[str],
    remove: list[str],
) -> list[Note]:
    """Return the notes that make a change: one, or several to remove very many tags."""
    made: list[Note] = []
    while not made or remove:
        now = datetime.datetime.now(datetime.timezone.utc)
        made.append(
            note.new_note(
                uid=uid,
                digest=record.digest,
                originator=session.settings.originator,
                written_at=note.following([*known, *made], now),
                text=None if made else text,
                add=() if made else add,
                remove=remove[:MAX_TAG_CHANGES],
            )
        )
        remove = remove[MAX_TAG_CHANGES:]
    return made


def description(session: Session, record: FileRecord) -> Description:
    """Return the description and tags of a file.

    This lists the notes of its name in the remote. If it cannot be reached, those that are known
    on this machine count.
    """
    lake = session.lake
    here, uid = Notes(lake.local), record.uid
    remote = None if lake.remote is None or lake.is_quiet else Notes(lake.remote)
    try:
        known = load_notes(here, remote, uid)
    except (RemoteUnavailableError, RemoteRefusedError) as error:
        lake.keep_quiet()
        _LOG.warning("descriptions and tags are those known on this machine: %s", error.message)
        known = load_notes(here, None, uid)
    return note.describe(known, record.digest)
