"""The files below a folder, with the UIDs that they are to get."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from radops.backends.folder.listing import is_removed
from radops.errors import LocalStorageError, UsageError
from radops.format.encoded_name import encode_name
from radops.format.pattern import match
from radops.lake.sources import owned_source
from radops.repository.stores import Owners

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def files_below(
    top: str,
    prefix: str | None,
    *,
    home: Path,
    left_out: Callable[[str, str], None],
    encode: bool = False,
    exclude: Sequence[str] = (),
) -> Iterator[tuple[str, str]]:
    """Yield each file below a folder with its UID, in an order that is the same everywhere.

    A link to a file counts as that file. A link to a folder is left out, since it could lead
    anywhere, in circles too; so is what belongs to a lake: local storage, configuration, a remote.

    Args:
        top: The folder.
        prefix: What the UIDs begin with; None for the folder's own name.
        home: The home in use.
        left_out: Called with each path that is left out, and the reason.
        encode: Write what a UID cannot hold as `%XX`, see `encode_name`.
        exclude: Patterns of files and folders to leave out silently. A pattern with a `/` selects
            paths below the folder, as `sub/*.tmp`; one without selects names at any depth; one
            that ends in `/` selects folders only.

    Raises:
        InvalidUIDError: A pattern cannot be used.
        LocalStorageError: There is no such folder, or a folder in it cannot be listed.
        UsageError: There are no files below it, or it belongs to a lake.
    """
    if not os.path.isdir(top):  # noqa: PTH112 - paths are text here, for a million files
        what = "is not a folder" if os.path.exists(top) else "does not exist"  # noqa: PTH110
        raise LocalStorageError(f"{top} {what}", hint="without --each, add takes files")
    owners = Owners(home)
    if (owner := owners.folder_owner(top)) is not None:
        raise owned_source(top, owner)
    own_name = encode_name(Path(top).resolve().name) if encode else Path(top).resolve().name
    prefix = own_name if prefix is None else prefix.rstrip("/")
    found = False
    folders = [(top, f"{prefix}/" if prefix else "")]
    while folders:
        folder, begin = folders.pop()
        inner = []
        for entry in _entries(folder, top, exclude):
            name = encode_name(entry.name) if encode else entry.name
            if entry.is_dir():
                if entry.is_symlink():
                    left_out(entry.path, "is a link to a folder")
                elif (owner := owners.folder_owner(entry.path)) is not None:
                    left_out(entry.path, f"belongs to {owner}")
                else:
                    inner.append((entry.path, f"{begin}{name}/"))
                continue
            owner = owners.owner(entry.path, is_link=entry.is_symlink())
            if owner is not None:
                left_out(entry.path, f"belongs to {owner}")
            else:
                found = True
                yield entry.path, begin + name
        folders += reversed(inner)
    if not found:
        raise UsageError(f"there are no files below {top} that can be added")


def _is_excluded(entry: os.DirEntry[str], path: str, exclude: Sequence[str]) -> bool:
    for pattern in exclude:
        if pattern.endswith("/") and not entry.is_dir():
            continue
        wanted = pattern.strip("/")
        if match(wanted, path if "/" in pattern.rstrip("/") else entry.name):
            return True
    return False


def _entries(folder: str, top: str, exclude: Sequence[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (
                    entry
                    for entry in entries
                    if not is_removed(entry.name)
                    and not (
                        exclude and _is_excluded(entry, os.path.relpath(entry.path, top), exclude)
                    )
                ),
                key=lambda entry: entry.name,
            )
    except OSError as error:
        raise LocalStorageError(f"cannot list {folder}: {error.strerror}") from error
