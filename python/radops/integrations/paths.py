"""What paths of the file system mean: `[CONTEXT@]UID[/path]`."""

from __future__ import annotations

import contextvars
import re
import threading
import time
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from radops.data_lake import DataLake, Directory, File
from radops.errors import InvalidUIDError, UIDNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from radops.data_lake import Scope

T = TypeVar("T")

Info = dict[str, Any]
"""What is known of a path: name, size, type; of a file also digest and mtime."""

_CONTEXT: Final = re.compile(r"([^/@]+)@(.*)", re.DOTALL)

# How long a listing of names of the lake is used again; what is in a directory never changes.
_LISTING_SECONDS: Final = 10.0

_GENERATED: Final = ".generated_uids"

# For up to so many paths in one directory, its pages are fetched as paths are looked up.
_FEW = 16


class Paths:
    """Finds what paths mean. Thread-safe.

    Args:
        lake: The lake of paths that name no context.
        options: The arguments that open it.
    """

    def __init__(self, lake: DataLake, options: Mapping[str, Any]) -> None:
        self._options = options
        self._lakes: dict[str | None, DataLake] = {None: lake}
        self._directories: dict[tuple[str | None, str], Directory] = {}
        self._listings: dict[tuple[str | None, str], tuple[float, list[Info]]] = {}
        self._scope: Scope | None = None
        self._context = contextvars.copy_context()

    def read_for(self, scope: Scope) -> None:
        """Note what is read for a creator where none is known, as in processes of a cluster."""
        self._scope = scope
        with scope.entered():
            self._context = contextvars.copy_context()

    def where_known(self, work: Callable[[], T]) -> T:
        """Do something where the creator that runs is known, so that it notes what is read.

        Libraries written in C++ read in threads of their own, which Python does not see. There it
        is done as in the thread of Python that used this object last.
        """
        if isinstance(threading.current_thread(), threading._DummyThread):  # noqa: SLF001
            return self._context.copy().run(work)
        with self._in_scope():
            self._context = contextvars.copy_context()
            return work()

    def _in_scope(self) -> AbstractContextManager[None]:
        return nullcontext() if self._scope is None else self._scope.entered()

    def split(self, path: str) -> tuple[str | None, str]:
        """Return the context that a path names, if it does, and the rest of the path."""
        found = _CONTEXT.fullmatch(path)
        return (found[1], found[2]) if found else (None, path)

    def lake(self, context: str | None) -> DataLake:
        """Return the lake of a context."""
        lake = self._lakes.get(context)
        if lake is None:
            options = {**self._options, "context": context}
            options.pop("remote", None)  # of the lake that was opened without a context
            lake = self._lakes.setdefault(context, DataLake(**options))
        return lake

    def find(self, path: str) -> tuple[File | Directory | None, str]:
        """Return the file of a path; or a directory, and a path of a folder in it.

        Raises:
            FileNotFoundError: The path leads into a directory which has nothing there.
        """
        context, name = self.split(path)
        if not name:
            return None, ""
        directory, inner = self.known_directory(context, name)
        if directory is None:
            try:
                located = self.lake(context).locate(name)
            except InvalidUIDError:
                located = None
            if located is None:
                return None, ""
            if isinstance(located.named, File):
                return located.named, ""
            directory, inner = located.named, located.inner
            # By segments: another normal form of the path has another length.
            top = name.rsplit("/", inner.count("/") + 1)[0] if inner else name
            self._directories[context, top] = directory
        if inner and (file := directory.find(inner)) is not None:
            return file, ""
        if inner and not directory.is_folder(inner):
            raise not_found(path)
        return directory, inner

    def find_or_nothing(self, path: str) -> tuple[File | Directory | None, str]:
        """Return what `find` does, and nothing for a path that leads to nothing."""
        try:
            return self.find(path)
        except FileNotFoundError:
            return None, ""

    def known_directory(self, context: str | None, name: str) -> tuple[Directory | None, str]:
        """Return the directory that a name leads into, if it was found before, and the rest."""
        at = len(name)
        while at > 0:
            if (directory := self._directories.get((context, name[:at]))) is not None:
                return directory, name[at + 1 :]
            at = name.rfind("/", 0, at)
        return None, ""

    def file(self, path: str) -> File:
        """Return the file of a path.

        Raises:
            FileNotFoundError: There is none.
            IsADirectoryError: It is a folder or a directory.
        """
        found, _ = self.find(path)
        if isinstance(found, File):
            return found
        if found is not None or self.listing(path):
            raise IsADirectoryError(f"{path} is a directory, not a file")
        raise not_found(path)

    def read_directories(self, paths: Sequence[str]) -> dict[str, Any]:
        """Return the bytes of the files in directories that are among some paths."""
        wanted: dict[str, tuple[Directory, dict[str, str]]] = {}
        for holder, inner in self._many_in_one(paths):
            holder.fetch_contents(inner)
        for path in paths:
            file, _ = self.find_or_nothing(path)
            directory, _ = self.known_directory(*self.split(path))
            if isinstance(file, File) and directory is not None and file.inner is not None:
                wanted.setdefault(directory.uid, (directory, {}))[1][file.inner] = path
        return {
            names[inner]: data
            for directory, names in wanted.values()
            for inner, data in directory.read_files(names)
        }

    def _many_in_one(self, paths: Sequence[str]) -> list[tuple[Directory, list[str]]]:
        """Return the directories that hold many of some paths, with these paths in them."""
        if len(paths) <= _FEW:
            return []
        self.find_or_nothing(paths[0])  # a directory is known once one path in it was found
        found: dict[Directory, list[str]] = {}
        for path in paths:
            directory, inner = self.known_directory(*self.split(path))
            if directory is not None:
                found.setdefault(directory, []).append(inner)
        return [(directory, inner) for directory, inner in found.items() if len(inner) > _FEW]

    def listing(self, path: str) -> list[Info]:
        """Return what is in a folder of names of the lake; nothing if there is no such folder."""
        context, name = self.split(path)
        until, rows = self._listings.get((context, name), (0.0, []))
        if time.monotonic() < until:
            return rows
        prefix = f"{name}/" if name else ""
        generated = name.startswith(_GENERATED)
        try:
            shown = self.lake(context).ls(prefix, details=True, generated=generated)
        except InvalidUIDError:
            return []
        rows = []
        for row in shown:
            if row.pending or not row.uid.startswith(prefix):
                continue
            child = joined(path, row.uid[len(prefix) :].rstrip("/"))
            mtime = _seconds(row.created_at)
            if row.is_folder or row.size is None or row.digest is None:
                rows.append(folder_info(child))
            elif row.files is not None:
                rows.append(folder_info(child, digest=row.digest.hex, mtime=mtime))
            else:
                rows.append(file_info(child, row.size, row.digest.hex, mtime))
        self._listings[context, name] = time.monotonic() + _LISTING_SECONDS, rows
        return rows

    def forget_listings(self) -> None:
        """Forget listings of names of the lake."""
        self._listings.clear()

    def forget_all(self) -> None:
        """Forget what names mean: one that was deleted can be another directory by now."""
        self._listings.clear()
        self._directories.clear()


def not_found(path: str) -> UIDNotFoundError:
    """Return the error for a path that leads to nothing."""
    return UIDNotFoundError(f"there is nothing at radops://{path}", uid=path)


def joined(path: str, name: str) -> str:
    """Return the path of a child; a context alone ends in `@`."""
    return f"{path}/{name}" if path and not path.endswith("@") else path + name


def _seconds(time: str | None) -> float | None:
    return None if time is None else datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def file_info(path: str, size: int, digest: str, mtime: float | None) -> Info:
    """Return what is known of a file."""
    return {"name": path, "size": size, "type": "file", "digest": digest, "mtime": mtime}


def folder_info(path: str, *, digest: str = "", mtime: float | None = None) -> Info:
    """Return what is known of a folder, or of a directory of the lake."""
    row: Info = {"name": path, "size": 0, "type": "directory"}
    if digest:
        row["digest"] = digest
    if mtime is not None:
        row["mtime"] = mtime
    return row
