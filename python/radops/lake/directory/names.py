"""What a name means: a file, a directory, or a file within a directory.

`datasets/images/v2/cats/1.jpg` is the file `cats/1.jpg` in the directory `datasets/images/v2`, if
that is one. No name exists below a directory's, so there is only one way to read it.
"""

from __future__ import annotations

import difflib
import unicodedata
from typing import TYPE_CHECKING, Final, NamedTuple

from radops.errors import InvalidUIDError, UIDNotFoundError
from radops.format.inner import check_inner_path
from radops.format.record import FileRecord
from radops.format.uid import UID, parse_uid
from radops.lake.directory.versions import latest
from radops.lake.name_search import not_found, whole_name
from radops.repository.refs.slots import Taken
from radops.repository.trees.entries import FOLDER, LINK, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.lake.directory.opened import Opened
    from radops.lake.session import Session
    from radops.repository.refs.slots import State
    from radops.repository.working_lake import WorkingLake

# Names of one folder that a misspelt one is compared with.
_MOST_NEIGHBOURS: Final = 2_000
_MOST_NAMED: Final = 3
# Links that point to links; Linux gives up after as many.
_MOST_LINKS: Final = 40


class Found(NamedTuple):
    """What a name means."""

    record: FileRecord
    """The record of the file, or of the directory that holds it."""
    inner: str | None = None
    """The path within the directory; None for a file or directory of the lake itself."""


def parse_name(text: str) -> str:
    """Return a name that can be read: a UID, or what may be a path within a directory.

    Within a directory the rules of paths apply: `a/b:c*.txt` is fine, as `a` can be a UID.

    Raises:
        InvalidUIDError: It can be neither.
    """
    try:
        return parse_uid(text)
    except InvalidUIDError:
        if isinstance(text, str) and next(_splits(text), None) is not None:
            return text
        raise


def _splits(text: str) -> Iterator[tuple[UID, str]]:
    """Yield every way to read a name as a directory and a path in it, the shortest UID first."""
    at = text.find("/")
    while at >= 0:
        try:
            uid = parse_uid(text[:at])
            check_inner_path(text[at + 1 :])
        except ValueError:
            return  # a longer beginning is no better, and neither is its rest
        yield uid, text[at + 1 :]
        at = text.find("/", at + 1)


def find_named(lake: WorkingLake, text: str) -> Found:
    """Return what a name means, as `look_up_named` does.

    Raises:
        UIDNotFoundError: There is no file or directory of that name, and none above it; names
            that may have been meant are listed for it.
        InvalidUIDError: It is no UID, and no directory holds it.
        RemoteUnavailableError: The remote had to be asked and cannot be reached.
    """
    found = look_up_named(lake, text)
    if found is None:
        raise not_found(lake, parse_uid(text))
    return found


def find_latest(session: Session, text: str) -> Found:
    """Return what a name means, as `find_named` does; `@latest` is the highest version.

    Raises:
        UIDNotFoundError: There is no file or directory of that name, and none above it.
        RemoteUnavailableError: The remote had to be asked and cannot be reached.
    """
    lake = session.lake
    name = latest(lake, text)
    parse_name(name)
    # As it was given: within a directory, two normal forms of one name may be two files.
    found = find_named(lake, name)
    session.remember_quietly()
    return found


def look_up_named(lake: WorkingLake, text: str) -> Found | None:
    """Return what a name means; None if nothing has it. An inner path is not looked at.

    Raises:
        InvalidUIDError: It is no UID, and no directory holds it.
        RemoteUnavailableError: The remote had to be asked and cannot be reached.
    """
    splits = list(_splits(text))
    for uid, inner in splits:
        # If the directory is known on this machine, no request is needed to see if the whole is a
        # UID.
        if _directory(lake.local_state(uid)) and (record := _directory(lake.state(uid))):
            return Found(record, inner)
    refused: InvalidUIDError | None = None
    try:
        record = _whole(lake, parse_uid(text))
    except InvalidUIDError as error:
        refused, record = error, None
    if record is not None:
        return Found(record)
    for uid, inner in splits:
        state = lake.state(uid)
        if (record := _directory(state)) is not None:
            return Found(record, inner)
        if not isinstance(state, Taken) or isinstance(state.record, FileRecord):
            break
    if refused is not None:
        raise refused
    return None


def _whole(lake: WorkingLake, uid: UID) -> FileRecord | None:
    """Return the record of a UID, or of the only generated one that begins so."""
    record = lake.find(uid)
    if record is None and (whole := whole_name(lake, uid)) is not None:
        record = lake.find(whole)
    return record


def directory_above(lake: WorkingLake, text: str, *, local: bool) -> tuple[FileRecord, str] | None:
    """Return the directory that a text leads into, and the rest after its UID and the slash.

    Args:
        lake: The lake.
        text: `images/v1/` or `images/v1/cats/1.jpg`; not the bare name of a directory.
        local: Look at this machine only.

    Returns:
        None if no beginning of the text that ends before a slash is a directory.
    """
    at = text.find("/")
    while at >= 0:
        try:
            uid = parse_uid(text[:at])
        except InvalidUIDError:
            return None
        state = lake.local_state(uid) if local else lake.state(uid)
        if (record := _directory(state)) is not None:
            return record, text[at + 1 :]
        if not isinstance(state, Taken) or isinstance(state.record, FileRecord):
            return None
        at = text.find("/", at + 1)
    return None


def is_directory(state: State) -> bool:
    """Return whether a name is a directory."""
    return _directory(state) is not None


def _directory(state: State) -> FileRecord | None:
    """Return the record of a directory; None for anything else."""
    record = state.record if isinstance(state, Taken) else None
    return record if isinstance(record, FileRecord) and record.type == "directory" else None


class Inner(NamedTuple):
    """A file in a directory."""

    path: str
    """Its path, as the directory writes it."""
    entry: Entry
    """The file itself, where symbolic links lead to from the path."""


def find_inner(directory: Opened, path: str) -> Inner:
    """Return the file of that path in a directory, through symbolic links.

    A path that differs only in Unicode's normal form is the same, unless there are several such.

    Raises:
        UIDNotFoundError: There is none, or it is a folder; the hint names what may be meant.
    """
    found = look_up_inner(directory, path)
    if found is None:
        raise no_inner_file(directory, path)
    return found


def look_up_inner(directory: Opened, path: str) -> Inner | None:
    """Return the same, or None without a search for paths that may have been meant.

    Raises:
        UIDNotFoundError: It is a symbolic link that leads in a circle.
    """
    at, shown = path, None
    for _ in range(_MOST_LINKS):
        entry = _entry_of(directory, at)
        if entry is None or entry.kind == FOLDER:
            return None
        shown = shown or entry.path
        if entry.kind != LINK or entry.target is None:
            return Inner(shown, entry)
        at = _followed(entry.path, entry.target)
    raise UIDNotFoundError(
        f"{directory.uid}/{path} is a symbolic link that leads in a circle",
        uid=f"{directory.uid}/{path}",
    )


def literal(path: str) -> str:
    """Return a pattern that matches this path only, or what is below it."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def _entry_of(directory: Opened, path: str) -> Entry | None:
    """Return the entry of a path, or of the only one that is equal except for its normal form."""
    try:
        check_inner_path(path)
    except ValueError:
        return None
    entry = directory.find(path)
    if entry is None:
        entry = _through_links(directory, path)
    if entry is None and not path.isascii():
        exact = _normalised(directory, path)
        entry = None if exact is None else directory.find(exact)
    return entry


def _through_links(directory: Opened, path: str) -> Entry | None:
    """Return an entry below a link to a folder, of which the link alone is in the directory."""
    at = path.find("/")
    while at >= 0:
        entry = directory.find(path[:at])
        if entry is not None:
            if entry.kind != LINK or entry.target is None:
                return None
            target = _up(path) + _followed(entry.path, entry.target) + path[at:]
            return Entry(path, LINK, 0, None, target)
        at = path.find("/", at + 1)
    return None


def _up(path: str) -> str:
    return "../" * path.count("/")


def _followed(path: str, target: str) -> str:
    """Return the path that a link at `path` points to; links never lead out of a directory."""
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return "/".join(parts)


def _normalised(directory: Opened, path: str) -> str | None:
    """Return the only path that is equal in Unicode's normal form C."""
    found = [""]
    for part in path.split("/"):
        wanted = unicodedata.normalize("NFC", part)
        found = [
            f"{folder}/{name}" if folder else name
            for folder in found
            for name in (child.rstrip("/") for child, _ in directory.children(folder))
            if unicodedata.normalize("NFC", name) == wanted
        ]
    return found[0] if len(found) == 1 else None


def no_inner_file(directory: Opened, path: str) -> UIDNotFoundError:
    """Return the error for a path that is no file of a directory, with those that may be meant."""
    uid = f"{directory.uid}/{path}"
    try:
        check_inner_path(path)
    except ValueError as error:
        return UIDNotFoundError(f"{path!r} is {error}", uid=uid)
    if directory.is_folder(path):
        return UIDNotFoundError(
            f"{path} is a folder of the directory {directory.uid}, not a file",
            uid=uid,
            hint=f"radops datalake ls {uid}/",
        )
    close = _close(directory, path)
    shown = [f"{directory.uid}/{one}" for one in close]
    hint = f"did you mean {' or '.join(shown)}?" if close else None
    return UIDNotFoundError(
        f"there is no file {path} in the directory {directory.uid}",
        uid=uid,
        hint=hint or f"radops datalake ls {directory.uid}/",
    )


def _close(directory: Opened, path: str) -> list[str]:
    """Return paths that are nearly the same, in the deepest folder of the path that exists."""
    folder, _, name = path.rpartition("/")
    while folder and not directory.is_folder(folder):
        folder, _, name = folder.rpartition("/")
    names: list[str] = []
    for child, _ in directory.children(folder):
        names.append(child.rstrip("/"))
        if len(names) >= _MOST_NEIGHBOURS:
            break
    lowered = {one.lower(): one for one in names}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=_MOST_NAMED, cutoff=0.6)
    return [f"{folder}/{lowered[one]}" if folder else lowered[one] for one in close]
