"""Folders that are to be stored may hold no data of lakes: not this one's, and not another's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from radops.errors import FolderRefusedError, UsageError
from radops.lake.sources import owned_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.repository.stores import Owners, Store

MARKS: Final = ("radops.cbor", "config.toml")
"""Names of files by which a store or a home is known."""

_MOST_NAMED = 10


def refuse_lake_data(
    folder: str, paths: Iterable[str], owners: Owners, hint: str | None = None
) -> None:
    """Refuse a folder if something in it belongs to a lake.

    Bytes of files of a lake, reached by a link, may be stored again. If the folder is itself in
    a store, as one that a program fills is, that store does not count.

    Args:
        folder: The folder.
        paths: Paths in it that may belong to a lake: files of certain names, and links that are
            followed.
        owners: Finds what belongs to a lake.
        hint: What the person can do.

    Raises:
        FolderRefusedError: Names the stores.
    """
    around = owners.folder_owner(folder)
    found = {_owner(f"{folder}/{path}", owners) for path in paths} - {around, None}
    stores = sorted(str(store) for store in found)
    if stores:
        more = f", and {len(stores) - _MOST_NAMED} more" if len(stores) > _MOST_NAMED else ""
        raise FolderRefusedError(
            f"{folder} holds data of lakes: {', '.join(stores[:_MOST_NAMED])}{more}", hint=hint
        )


def _owner(path: str, owners: Owners) -> Store | None:
    owner = owners.owner(path, is_link=os.path.islink(path))  # noqa: PTH114 - there may be many
    return None if owner is None or owners.content_owner(path) else owner


def check_source(source: str, owners: Owners) -> None:
    """Refuse a file or folder that is to be copied into a directory, if it is of a lake.

    Raises:
        UsageError: It belongs to a lake, or holds data of one.
    """
    hint = "nothing of it was added; copy what is not a lake's to a folder of its own"
    if not os.path.isdir(source):  # noqa: PTH112 - a text like all paths here
        owner = _owner(source, owners)
    else:
        owner = owners.folder_owner(source)
        if owner is not None and owners.content_owner(source):
            owner = None
        elif owner is None:
            refuse_lake_data(source, _marked(source), owners, hint)
    if owner is not None:
        raise owned_source(source, owner)


def check_target(target: str, owners: Owners) -> None:
    """Refuse a folder that files are to be written into, if it is of a lake.

    Folders that the lake gives to programs to fill may be written into.

    Raises:
        UsageError: It is, or is in, a home or a remote.
    """
    owner = owners.folder_owner(target) or owners.home_above(target)
    if owner is None or os.path.relpath(os.path.realpath(target), owner.root).startswith("tmp/"):
        return
    raise UsageError(
        f"{target} belongs to {owner}", hint="nothing was changed; choose a folder outside of it"
    )


def _marked(folder: str) -> Iterator[str]:
    """Yield the files below a folder that have a name as those of lakes."""
    for top, _, names in os.walk(folder):
        for name in MARKS:
            if name in names:
                yield os.path.relpath(f"{top}/{name}", folder)
