"""Editing: the next version of a directory, made of an earlier one by some changes."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from radops.arguments import check_name, check_names, check_path, kind_of
from radops.errors import (
    ArgumentTypeError,
    ConflictError,
    MissingFileError,
    UIDNotFoundError,
    UsageError,
)
from radops.format.inner import check_inner_path
from radops.format.pattern import match
from radops.lake.file import File
from radops.lake.file_io import local_errors
from radops.lake.lake_data import check_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.repository.stores import Owners


class Edit:
    """Changes of a directory that become a new one; see `Directory.edit`.

    Paths are relative to the directory's top. Each change is seen by those after it.

    Args:
        folder: A folder with the files of the earlier version.
        uid: The name of the new version, for messages.
        owners: Finds what belongs to a lake.
    """

    def __init__(self, folder: Path, uid: str, owners: Owners) -> None:
        self._folder = folder
        self._uid = uid
        self._owners = owners

    def add(self, source: str | os.PathLike[str], path: str) -> None:
        """Add a file of this machine or of the lake, or a folder; a file there is replaced.

        Args:
            source: A local path, or a `File`.
            path: Where it goes in the directory.

        Raises:
            MissingFileError: There is no such file.
            UsageError: It belongs to a lake: records, configuration, a whole home or remote.
                Files of a lake, and folders of its directories, can be added.
            ConflictError: A folder is there already.
        """
        if not isinstance(source, File):
            check_path(source, "source")
        origin = source.path() if isinstance(source, File) else Path(source)
        if not origin.exists():
            raise MissingFileError(f"there is no file {origin}")
        check_source(str(origin), self._owners)
        target = self._target(path)
        if target.is_dir() and not target.is_symlink():
            raise ConflictError(f"{path} is a folder of {self._uid}", hint="remove it first")
        with self._replacing(target) as fresh:
            if origin.is_dir():
                shutil.copytree(origin, fresh, symlinks=True)
            else:
                shutil.copyfile(origin, fresh)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file; one that is there is replaced.

        Raises:
            ConflictError: A folder is there.
        """
        if not isinstance(data, (bytes, bytearray, memoryview)):
            hint = "write_text" if isinstance(data, str) else None
            raise ArgumentTypeError(f"data is {kind_of(data)}, not bytes", hint=hint)
        target = self._target(path)
        if target.is_dir() and not target.is_symlink():
            raise ConflictError(f"{path} is a folder of {self._uid}", hint="remove it first")
        with self._replacing(target) as fresh:
            fresh.write_bytes(data)

    def write_text(self, path: str, text: str, encoding: str = "utf-8") -> None:
        """Write a file of text; see `write_bytes`."""
        check_name(text, "what write_text writes")
        self.write_bytes(path, text.encode(encoding))

    def remove(self, *patterns: str) -> None:
        """Remove what matches; a folder goes with all below it, and no empty folder is left.

        Args:
            patterns: `*`, `?` and `[...]` match within a name, `**` across folders.

        Raises:
            UIDNotFoundError: Nothing matches one of them. Nothing was removed.
        """
        check_names(patterns, "a pattern")
        chosen: dict[str, None] = {}
        for pattern in patterns:
            wanted = pattern.rstrip("/")
            found = [path for path in self._paths() if match(wanted, path[0])]
            if not found:
                raise UIDNotFoundError(f"nothing in the directory matches {pattern}", uid=self._uid)
            chosen.update(dict.fromkeys(path[1] for path in found))
        with local_errors():
            for path in chosen:
                target = self._folder / path
                if target.is_dir() and not target.is_symlink():
                    shutil.rmtree(target)
                else:
                    target.unlink(missing_ok=True)  # it may have gone with a folder
            for folder in {(self._folder / path).parent for path in chosen}:
                self._prune(folder)

    def move(self, path: str, to: str) -> None:
        """Move a file or folder within the directory.

        Raises:
            UIDNotFoundError: There is nothing at that path.
            ConflictError: There is something at the other.
        """
        source, target = self._target(path), self._target(to)
        if not os.path.lexists(source):
            raise UIDNotFoundError(f"there is no {path} in the directory", uid=self._uid)
        if os.path.lexists(target):
            raise ConflictError(f"{to} is in {self._uid} already", hint="remove it first")
        if to.startswith(f"{path}/"):
            raise UsageError(f"{path} cannot be moved into itself")
        with local_errors():
            target.parent.mkdir(parents=True, exist_ok=True)
            source.rename(target)
            self._prune(source.parent)

    def _target(self, path: str) -> Path:
        """Return where a path is; nothing is made.

        Raises:
            UsageError: It cannot be a path in a directory.
            ConflictError: Something above it is no folder. Links are not followed.
        """
        check_name(path, "a path in a directory")
        try:
            check_inner_path(path)
        except ValueError as error:
            raise UsageError(f"{path!r} is {error}") from None
        above = self._folder
        with local_errors():
            for part in path.split("/")[:-1]:
                above = above / part
                if above.is_symlink() or (os.path.lexists(above) and not above.is_dir()):
                    inner = above.relative_to(self._folder)
                    raise ConflictError(f"{inner} is not a folder of {self._uid}")
        return self._folder / path

    def _paths(self) -> Iterator[tuple[str, str]]:
        """Yield all files, links and folders: in Unicode's normal form C, and as on disk."""
        for top, folders, names in os.walk(self._folder):
            inner = os.path.relpath(top, self._folder)
            start = "" if inner == "." else f"{inner}/"
            for name in (*folders, *names):
                path = f"{start}{name}"
                yield unicodedata.normalize("NFC", path), path

    @contextlib.contextmanager
    def _replacing(self, target: Path) -> Iterator[Path]:
        """Give a path to write to; what is there gets the target's name if the block succeeds.

        A change that fails leaves the directory as it was.
        """
        fresh = self._folder.with_name(f".{secrets.token_hex(8)}")
        try:
            with local_errors():
                yield fresh
                target.parent.mkdir(parents=True, exist_ok=True)
                if fresh.is_dir():
                    target.unlink(missing_ok=True)  # a file or link, never a folder
                fresh.replace(target)
        except BaseException:
            if fresh.is_dir():
                shutil.rmtree(fresh, ignore_errors=True)
            fresh.unlink(missing_ok=True)
            raise

    def _prune(self, folder: Path) -> None:
        """Remove folders that have become empty, up to the top."""
        while folder != self._folder:
            try:
                folder.rmdir()
            except FileNotFoundError:  # it went with a folder above
                pass
            except OSError:
                return  # it is not empty
            folder = folder.parent
