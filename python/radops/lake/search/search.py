"""Searching a lake by words and tags: `DataLake.search`, and `ls` of what has a tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.errors import UsageError
from radops.format.note import parse_tag
from radops.lake import naming
from radops.lake.progress import stage_if_slow
from radops.lake.search.refresh import refresh
from radops.repository.refs.notes import fetch_notes

if TYPE_CHECKING:
    from radops.lake.reports import Progress, SearchHit
    from radops.lake.search.index import SearchIndex
    from radops.lake.session import Session


def search(
    session: Session,
    text: str,
    *,
    tag: str | None,
    limit: int,
    ask_remote: bool,
    progress: Progress | None,
) -> list[SearchHit]:
    """Return the names that match; see `DataLake.search`."""
    if not isinstance(text, str):
        raise UsageError(f"what is searched for is text, not {type(text).__name__}")
    tag = None if tag is None else parse_tag(tag)
    if not text.strip() and tag is None:
        raise UsageError("there is nothing to search for", hint="give a word or a tag")
    if limit < 1:
        raise UsageError(f"the limit is {limit}, not 1 or more")
    if ask_remote:
        _ask_remote(session)
    return _current(session, progress).search(text, tag, limit)


def tagged(session: Session, tag: str, *, ask_remote: bool) -> set[str]:
    """Return the names that have a tag.

    Args:
        session: The lake.
        tag: The tag.
        ask_remote: Fetch the notes that this machine does not have.
    """
    tag = parse_tag(tag)
    if ask_remote:
        _fetch_notes(session)
    return _current(session, None).tagged(tag)


def _current(session: Session, progress: Progress | None) -> SearchIndex:
    index = session.search_index
    with stage_if_slow(progress, "indexing names") as told:
        refresh(session.lake, index, told)
    return index


def _ask_remote(session: Session) -> None:
    """Fetch all names of the remote, and their descriptions and tags."""
    session.check_remote()
    lake = session.lake
    if lake.remote is not None:
        there, _ = naming.names(lake.remote.slots, "", recursive=True)
        here, _ = naming.names(lake.local.slots, "", recursive=True)
        for uid in naming.dropped(lake, here - there, "", recursive=True):
            lake.find(uid, refresh=True)  # and this machine has its tombstone
        session.remember_quietly()
        session.search_index.note_listed("", there - here, recursive=True, generated=True)
    _fetch_notes(session)


def _fetch_notes(session: Session) -> None:
    """Copy notes of the remote that are not here, and the records of the files they describe."""
    lake = session.lake
    if lake.remote is None:
        return
    described = fetch_notes(lake.local, lake.remote)
    lake.find_all(sorted(lake.local.slots.unused(sorted(described))))
    session.remember_quietly()
