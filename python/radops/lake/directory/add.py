"""Adding a folder as one directory."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from radops.errors import (
    MissingFileError,
    RadopsError,
    RemoteRefusedError,
    RemoteUnavailableError,
    UIDConflictError,
    UIDNotFoundError,
    UsageError,
)
from radops.format.build import build_import
from radops.format.digest import Digest
from radops.format.record import FileRecord
from radops.format.uid import UID, parse_uid
from radops.lake.add_items import check_writable, other_bytes
from radops.lake.directory.checkout_marker import read_marker
from radops.lake.directory.existing import lost_parts, restore_parts
from radops.lake.directory.move import check_movable, remove_sources
from radops.lake.directory.opened import open_directory
from radops.lake.folder_memory import FolderMemory, sources_here
from radops.lake.lake_data import refuse_lake_data
from radops.lake.pending_results import kept_for_later, publish_named
from radops.lake.progress import stage, stage_if_slow
from radops.lake.sources import owned_source
from radops.repository.progress import watching
from radops.repository.refs.draft import Draft
from radops.repository.refs.repository import now
from radops.repository.refs.slots import Taken
from radops.repository.stores import Owners
from radops.repository.trees.intake import TakenIn, scan_folder, take_in
from radops.repository.trees.update import take_in_update
from radops.version import radops_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops import native
    from radops.lake.directory.opened import Opened
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.refs.slots import State


class DirectoryOptions(NamedTuple):
    """How a folder is added."""

    base: Sequence[UID] | None = None
    """Directories whose packs are used again. None: the one that this folder became last; none
    if empty."""
    exclude: Sequence[str] = ()
    """Patterns in gitignore syntax of what is left out."""
    no_ignore: bool = False
    """Apply neither built-in rules nor those in `.radopsignore`."""
    follow_links: bool = False
    """Take what links point to that a directory cannot hold."""
    executables: bool = False
    """Keep whether a file can be executed."""
    checksum: bool = False
    """Read every file, also those whose stat is unchanged."""
    dry_run: bool = False
    """Change nothing; only report what would be added."""
    update: bool = False
    """Keep the paths of the base that the folder does not have."""
    removed: Sequence[str] = ()
    """Of an update: patterns of paths of the base that are not kept."""
    move: bool = False
    """Remove the files from the folder once the lake holds them."""


class AddedDirectory(NamedTuple):
    """The outcome for a folder."""

    uid: str
    entries: int
    files: int
    bytes: int
    """Bytes of the files."""
    left_out: int
    """Files that rules left out."""
    rules: int
    """How many rules these were."""
    digest: Digest | None = None
    """The root; None after a dry run."""
    size: int = 0
    """Bytes of the root."""
    read: int = 0
    """Files that were read; the others were known by their stat."""
    sent: int = 0
    """Bytes sent to the remote."""
    already_there: bool = False
    """Whether the name had this directory before."""
    restored: bool = False
    """Whether it had, but the lake had lost something of it, which is stored again."""
    sources_left: tuple[str, ...] = ()
    """After a move: paths that were left in place, as they changed meanwhile."""


def add_directory(
    session: Session,
    folder: Path,
    uid: UID,
    options: DirectoryOptions,
    progress: Progress | None,
) -> AddedDirectory:
    """Add a folder as one directory.

    Args:
        session: The lake.
        folder: The folder. Nothing in it is changed, unless it is moved.
        uid: The name of the directory.
        options: How.
        progress: Shows how far it is.

    Raises:
        FolderRefusedError: It holds what a directory cannot, or changed while it was read.
        UIDConflictError: The name is in use for something else.
        UIDNotFoundError: A base does not exist.
        RemoteUnavailableError: The remote became unreachable; what was finished is kept for `sync`.
    """
    check_writable(uid)
    owners = Owners(session.settings.home)
    _check_folder(session, folder, owners)
    if options.move and options.follow_links:
        raise UsageError(
            "a move cannot follow links: it would remove files outside the folder",
            hint="leave out one of the two",
        )
    _check_update(options)
    if options.dry_run:
        scan = _scan(folder, options, owners, progress)
        return _result(uid, scan)
    if options.move:
        check_movable(folder)
    lake = session.prepare_write()
    session.store.give_back_abandoned()  # a move of this folder may have been killed
    state = lake.write_states([uid])[uid]
    check_kind(uid, state)
    scan = _scan(folder, options, owners, progress)
    memory = FolderMemory(session, folder)
    bases = _bases(session, folder, options, memory)
    known = [one.record for one in (*bases, state) if isinstance(one, Taken)]
    base = [
        item for one in known if isinstance(one, FileRecord) for item in sources_here(session, one)
    ]

    lost = False

    def accept(taken: TakenIn) -> bool:
        nonlocal lost
        if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
            return True
        if state.record.digest != taken.root:
            raise other_bytes(uid)
        # The name has it already: only what the lake has lost of it is stored.
        lost = bool(lost_parts(session, state, state.record))
        return options.move or lost

    with session.store.staging():
        with (
            stage(progress, "adding", scan.bytes, scan.files) as count,
            watching(count) as watched,
        ):
            stats = None if options.checksum else memory.stats
            if options.update:
                taken = take_in_update(
                    lake.store,
                    folder,
                    scan,
                    _updated(session, bases, options.removed).tree,
                    options.removed,
                    stats=stats,
                    progress=watched,
                    accept=accept,
                )
            else:
                taken = take_in(
                    lake.store,
                    folder,
                    scan,
                    base=base,
                    stats=stats,
                    progress=watched,
                    accept=accept,
                )
        record, sent, already_there = commit_directory(
            session, folder.name or folder.absolute().name, uid, state, taken, bases, progress
        )
    memory.remember(record, taken.stats or None if record.digest == taken.root else None)
    left: tuple[str, ...] = ()
    if options.move:
        left = remove_sources(session, folder, record, taken.stats, progress)
    return _result(uid, scan)._replace(
        entries=taken.entries,
        files=taken.files,
        bytes=taken.bytes,
        digest=record.digest,
        size=record.size,
        read=taken.read,
        sent=sent,
        already_there=already_there,
        restored=already_there and lost,
        sources_left=left,
    )


def _check_update(options: DirectoryOptions) -> None:
    """Refuse options that do not go with an update, or need one."""
    if options.removed and not options.update:
        raise UsageError("remove is about the base of an update", hint="add --update as well")
    if options.update and (options.move or options.dry_run):
        raise UsageError("an update can neither be a move nor a dry run")


def _updated(session: Session, bases: Sequence[Taken], removed: Sequence[str]) -> Opened:
    """Return the directory that is updated.

    Raises:
        UsageError: There is none, or there are several.
        UIDNotFoundError: A pattern matches nothing in it.
    """
    if len(bases) != 1 or not isinstance(bases[0].record, FileRecord):
        raise UsageError(
            "it is not known which directory is to be updated",
            hint="name it: --base UID",
        )
    opened = open_directory(session.lake, bases[0].record)
    for pattern in removed:
        if not opened.tree.select([pattern], most=1):
            raise UIDNotFoundError(f"nothing in {opened.uid} matches {pattern}", uid=opened.uid)
    return opened


def _result(uid: UID, scan: native.FolderScan) -> AddedDirectory:
    return AddedDirectory(uid, scan.entries, scan.files, scan.bytes, scan.left_out, scan.rules)


def _scan(
    folder: Path, options: DirectoryOptions, owners: Owners, progress: Progress | None
) -> native.FolderScan:
    with stage_if_slow(progress, "looking at files") as count, watching(count) as watched:
        scan = scan_folder(
            folder,
            exclude=options.exclude,
            no_ignore=options.no_ignore,
            follow_links=options.follow_links,
            executables=options.executables,
            progress=watched,
        )
    hint = "nothing was added; leave these folders and links out with --exclude"
    refuse_lake_data(str(folder), scan.lake_files, owners, hint)
    return scan


def _check_folder(session: Session, folder: Path, owners: Owners) -> None:
    """Refuse what is no folder, what belongs to a lake, and what a lake is in."""
    if not folder.is_dir():
        if not os.path.lexists(folder):
            raise MissingFileError(f"there is no folder {folder}")
        raise UsageError(f"{folder} is not a folder")
    owner = owners.folder_owner(str(folder))
    if owner is not None:
        raise owned_source(str(folder), owner)
    real = os.path.realpath(folder)
    home = os.path.realpath(session.settings.home)
    if os.path.commonpath([real, home]) == real:
        raise UsageError(
            f"the home {session.settings.home} is in {folder}",
            hint="move the home, or add the folders beside it one by one",
        )


def check_kind(uid: UID, state: State) -> None:
    """Refuse a name that is in use for something else than a directory.

    Raises:
        UIDConflictError: It is.
    """
    if not isinstance(state, Taken):
        return
    if not isinstance(state.record, FileRecord):
        raise UIDConflictError(
            f"{uid} is a folder", uid=uid, hint="choose a name that is not in use"
        )
    if state.record.type != "directory":
        raise UIDConflictError(
            f"{uid} exists already and is a file",
            uid=uid,
            hint="choose another name, or delete that one first",
        )


def _bases(
    session: Session, folder: Path, options: DirectoryOptions, memory: FolderMemory
) -> list[Taken]:
    """Return the directories whose packs may be used again."""
    lake = session.lake
    if options.base is None:
        last, marker = memory.base(), None
        if options.update and not memory.is_of_this_folder():
            # A checkout that was written with another home, or has got this path since.
            last = None
            marker = None if memory.knows_marker() else read_marker(folder)
        if marker is not None:
            last = parse_uid(marker.uid), Digest.from_hex(marker.digest)
        state = (
            None if last is None else lake.state(last[0]) if marker else lake.local_state(last[0])
        )
        if (
            last is None
            or not isinstance(state, Taken)
            or not isinstance(state.record, FileRecord)
            or state.record.digest != last[1]
        ):
            return []
        return [state]
    found = []
    for name in options.base:
        state = lake.state(name)
        if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
            raise UIDNotFoundError(f"no directory {name} in the lake", uid=name)
        if state.record.layout is None:
            raise UsageError(f"{name} is a file, so it cannot be the base of a directory")
        found.append(state)
    return found


def commit_directory(  # noqa: PLR0913 - all of a commit
    session: Session,
    source: str,
    uid: UID,
    state: State,
    taken: TakenIn,
    bases: Sequence[Taken] = (),
    progress: Progress | None = None,
    *,
    keep: bool = True,
) -> tuple[FileRecord, int, bool]:
    """Commit a directory; return its record, the bytes sent, and whether it was there already.

    Args:
        session: The lake.
        source: The source in the record.
        uid: Its name.
        state: What the name was found to be.
        taken: What it consists of; its objects are in local storage.
        bases: Directories whose objects it uses.
        progress: Shows how far it is.
        keep: Keep it for a later `sync` if the remote goes away; all its objects are here.
    """
    lake = session.lake
    if isinstance(state, Taken) and isinstance(state.record, FileRecord):
        if not lake.is_published(state):
            publish_named(session, [uid])
        sent = restore_parts(session, state, state.record)
        lake.make_durable([state])
        return state.record, sent, True
    record = build_import(
        uid=uid,
        digest=taken.root,
        size=taken.root_size,
        source=source,
        created_at=now(),
        originator=session.settings.originator,
        radops_version=radops_version(),
        directory=taken.contents,
    )
    draft = Draft([record], taken.objects, bases=bases)
    label = "storing" if lake.remote is None else "uploading"
    total = sum(size for _, size in taken.objects)
    try:
        with stage(progress, label, total, len(taken.objects)) as count:
            (outcome,), sent = lake.make([draft], {uid: state}, count)
    except (RemoteUnavailableError, RemoteRefusedError) as error:
        if not keep:
            raise
        raise kept_for_later(session, [draft], error) from error
    if isinstance(outcome, RadopsError):
        raise outcome
    found = outcome.taken[0].record
    if not isinstance(found, FileRecord):
        raise UIDConflictError(f"{uid} is a folder", uid=uid)
    for kept in session.pending.readable():
        if kept.draft.key is None and {(r.uid, r.digest) for r in kept.draft.records} == {
            (uid, taken.root)
        }:
            session.pending.drop(kept)
    return found, sent, uid not in outcome.created
