"""Checks notes, the changes of descriptions and tags of files: that each decodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import CorruptRecordError, NewerFormatError
from radops.format.note import decode_note, parse_note_key
from radops.repository.refs.notes import Notes
from radops.repository.verify import findings
from radops.repository.verify.findings import REPAIR, REPAIR_REMOTE

if TYPE_CHECKING:
    from radops.repository.refs.repository import Repository
    from radops.repository.verify.findings import Tally


def check_notes(repository: Repository, tally: Tally) -> None:
    """Read all notes of a lake in one place, and report those that do not decode.

    Args:
        repository: The lake's repository there; a prefix means this machine.
        tally: Takes the findings.
    """
    notes = Notes(repository)
    hint = REPAIR if repository.prefix else REPAIR_REMOTE
    for key, raw in notes.raw(notes.keys()):
        name = parse_note_key(key)
        uids = () if name is None else (name.uid,)
        path = repository.prefix + key
        try:
            decode_note(raw, key)
        except NewerFormatError as error:
            tally.find(findings.NEWER, error.message, "update radops", uids, path=path)
        except CorruptRecordError as error:
            message = f"a note about it is wrong: {error.message}"
            tally.find(findings.NOTE, message, hint, uids, path=path)
