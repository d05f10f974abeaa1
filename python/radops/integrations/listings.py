"""Listings of directories of the lake: a million names in a second or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.integrations.paths import Info, file_info, folder_info, joined

if TYPE_CHECKING:
    from radops.data_lake import Directory


def names_below(directory: Directory, path: str, inner: str) -> list[str]:
    """Return the paths of all files below a folder, sorted.

    Args:
        directory: The directory.
        path: The folder, as the file system has it.
        inner: The same within the directory; empty for its top.
    """
    return [name for name, _, _ in directory.rows(inner, base=_base(path, inner))]


def infos_below(directory: Directory, path: str, inner: str, *, withdirs: bool) -> list[Info]:
    """Return what is known of all files below a folder, sorted; arguments as of `names_below`.

    Args:
        directory: The directory.
        path: The folder, as the file system has it.
        inner: The same within the directory.
        withdirs: Also of the folder, and of all folders below it that have files.
    """
    mtime = directory.created().timestamp()
    rows = [
        file_info(name, size, digest.hex(), mtime)
        for name, size, digest in directory.rows(inner, base=_base(path, inner))
    ]
    if not withdirs:
        return rows
    folders = {path}
    for row in rows:
        folder = str(row["name"]).rpartition("/")[0]
        while len(folder) > len(path) and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    rows += [folder_info(folder, mtime=mtime) for folder in folders]
    return sorted(rows, key=lambda row: str(row["name"]))


def infos_in(directory: Directory, path: str, inner: str) -> list[Info]:
    """Return what is known of what is directly in a folder, folders first."""
    mtime = directory.created().timestamp()
    folders, files = directory.scan_rows(inner)
    base = joined(path, "")
    return [folder_info(base + name, mtime=mtime) for name in folders] + [
        file_info(base + name, size, digest.hex(), mtime) for name, size, digest in files
    ]


def _base(path: str, inner: str) -> str:
    """Return what paths of the file system begin with, before a path in their directory."""
    return joined(path[: len(path) - len(inner)].rstrip("/"), "")
