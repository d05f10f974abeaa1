"""What a folder that a checkout is written into has beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from radops import native
from radops.errors import ConflictError, UsageError
from radops.lake.directory.checkout_marker import MARKER, UNFINISHED
from radops.lake.lake_data import MARKS, refuse_lake_data
from radops.repository.stores import STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.repository.stores import Owners

IGNORE_FILE = ".radopsignore"
"""The rules of a folder, at its top. It is an entry of the directory itself."""


class Found(NamedTuple):
    """What is in a folder, as paths relative to it; `.radops-checkout` is in none of them."""

    files: list[str]
    """Files and links that an add of the folder would look at."""
    folders: list[str]
    """Folders that it would enter, each after the one that it is in."""
    left_out: list[str]
    """What is never removed: what its rules leave out, the file with these rules, and `.git`. Of a
    folder that is left out, what is in it is not listed."""
    unfinished: list[str]
    """What a checkout that was killed left."""
    links: list[str]
    """Those of the files that are links to folders."""


def look(top: Path, *, all_of_it: bool, delete: bool) -> Found:
    """Look at everything in a folder; links are not followed.

    Args:
        top: The folder.
        all_of_it: Apply no rules: nothing is left out.
        delete: Files are to be deleted, so the folder's own rules must be understood.

    Raises:
        UsageError: A pattern of its `.radopsignore` cannot be used.
    """
    rules = native.IgnoreRules(no_ignore=True) if all_of_it else _rules(top, delete=delete)
    found = Found([], [], [], [], [])
    for above, folders, names in os.walk(top):
        inner = os.path.relpath(above, top)
        start = "" if inner == "." else f"{inner}/"
        links = {name for name in folders if (Path(above) / name).is_symlink()}
        real = set(folders) - links
        found.links.extend(f"{start}{name}" for name in links)
        entered = []
        for name in (*names, *folders):
            path = f"{start}{name}"
            is_folder = name in real
            if path == MARKER:
                continue
            if name.startswith(UNFINISHED):
                found.unfinished.append(path)
            elif not all_of_it and (
                name == ".git" or path == IGNORE_FILE or _leave_out(rules, path, is_folder)
            ):
                found.left_out.append(path)
            elif is_folder:
                found.folders.append(path)
                entered.append(name)
            else:
                found.files.append(path)
        folders[:] = entered
    return found


def _rules(top: Path, *, delete: bool) -> native.IgnoreRules:
    """Return the rules by which an add of the folder would leave something out."""
    try:
        return native.IgnoreRules((top / IGNORE_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return native.IgnoreRules()
    except ValueError as error:
        if not delete:
            return native.IgnoreRules()
        raise UsageError(
            f"{top / IGNORE_FILE} cannot be used, so it is not known what to keep: {error}",
            hint="nothing was changed; mend it, or leave out --delete",
        ) from None


def _leave_out(rules: native.IgnoreRules, path: str, folder: bool) -> bool:
    # A name need not be UTF-8.
    return rules.leave_out(os.fsencode(path).decode(errors="replace"), folder)


def refuse_lakes_in(top: Path, found: Found, owners: Owners) -> None:
    """Refuse a folder of which files are to be replaced or deleted, if it holds data of lakes.

    Raises:
        FolderRefusedError: It does; names them.
    """
    here = (path for paths in (found.files, found.left_out) for path in paths)
    probes = [path for path in here if path.rpartition("/")[2] in MARKS]
    for link in found.links:  # without it, its lake might not be found again
        probes += [f"{link}/{MARKS[0]}", f"{link}/{STORAGE}/{MARKS[0]}"]
    hint = (
        "nothing was changed; choose another folder, or write into this one without --force and"
        " --delete"
    )
    refuse_lake_data(str(top), probes, owners, hint)


def without_other_spellings(top: Path, paths: list[str], entries: set[str]) -> list[str]:
    """Return paths that are no entries by another spelling of their names.

    A file system may find an entry by a name that is written in other case or normal form.

    Args:
        top: The folder.
        paths: What listings of it gave, which are no entries as they are spelled.
        entries: Paths of the directory, without those that listings gave.
    """
    ids = {one for path in entries if (one := _identity(top, path)) is not None}
    return [path for path in paths if _identity(top, path) not in ids] if ids else paths


def refuse_two_of_one(top: Path, listed: set[str], entries: Iterable[str], uid: str) -> None:
    """Refuse a folder whose file system takes two entries that are there for one.

    Args:
        top: The folder.
        listed: What listings of it gave.
        entries: Entries of which something is in the place.
        uid: The directory, for the message.

    Raises:
        ConflictError: It does.
    """
    in_place = set(entries)
    others = sorted(in_place - listed)
    if not others:
        return
    by_name = {_folded(path): path for path in in_place & listed}
    for path in others:
        other = by_name.setdefault(_folded(path), path)
        if other != path and _identity(top, path) == _identity(top, other):
            raise not_distinguished(top, path, uid, other)


def not_distinguished(top: Path, path: str, uid: str, other: str | None = None) -> ConflictError:
    """Return the error for a name that the file system takes for another one."""
    return ConflictError(
        f"the file system of {top} cannot distinguish {path} from {other or 'another name there'}",
        uid=uid,
    )


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _identity(top: Path, path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        status = os.lstat(top / path)
        return status.st_dev, status.st_ino
    return None


def below(paths: Iterable[str], tops: set[str]) -> Iterator[str]:
    """Yield those paths that are, or are in, one of some folders."""
    for path in paths:
        end = len(path)
        while end > 0 and path[:end] not in tops:
            end = path.rfind("/", 0, end)
        if end > 0:
            yield path


def remove(path: Path) -> None:
    """Remove a file, link or folder; what is gone already is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_if_empty(folders: Iterable[Path]) -> None:
    """Remove those folders that hold nothing, in this order."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
