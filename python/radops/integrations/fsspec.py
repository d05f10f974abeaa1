"""A lake as a file system of fsspec: `radops://[CONTEXT@]UID[/path]`.

pandas, pyarrow, dask, duckdb, zarr, Hugging Face datasets and others take such URLs, or an object
of the class below. They read what they need, verified; a file that is written is published when it
is closed, and not published at all if an error came up meanwhile.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radops.data_lake import DataLake, Directory, File, Scope
from radops.integrations.compressing import Compresses
from radops.integrations.listings import infos_below, infos_in, names_below
from radops.integrations.missing import missing
from radops.integrations.never_changing import NamesNeverChange
from radops.integrations.paths import Info, Paths, file_info, folder_info, not_found
from radops.integrations.publishing import begin
from radops.integrations.reading import for_libraries

try:
    from fsspec.callbacks import DEFAULT_CALLBACK
    from fsspec.spec import AbstractFileSystem, make_instance
    from fsspec.utils import isfilelike, read_block
except ImportError as error:
    raise missing("fsspec", "fsspec") from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime


class RadopsFileSystem(NamesNeverChange, Compresses, AbstractFileSystem):  # type: ignore[misc]
    """A lake as a file system. Synchronous; thread-safe; usable after a fork.

    Without options it is the current lake at the time when it is made. Its pickle holds the options
    that open the lake, never a secret. Pickled inside a creator, it also names that creator: what
    another process of this machine reads with it is recorded as read.

    Args:
        context: A configured context; one in a path is used instead of it.
        home: Where local storage is.
        remote: The remote of a lake that is not configured: `s3://bucket/prefix?...`.
        offline: Do not use the remote.
        storage_options: Of fsspec itself.

    Example:
        >>> pandas.read_parquet("radops://datasets/train.parquet", columns=["price"])
        >>> fsspec.filesystem("radops").ls("datasets")
    """

    protocol = "radops"
    # Instances are cheap, and belong to the lake that is current when they are made.
    cachable = False

    def __init__(
        self,
        context: str | None = None,
        home: str | None = None,
        remote: str | None = None,
        offline: bool | None = None,
        **storage_options: Any,
    ) -> None:
        super().__init__(**storage_options)
        given = {"context": context, "home": home, "remote": remote, "offline": offline}
        options: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
        lake = DataLake(**options) if options else DataLake.current()
        self._options = options or lake.options
        self._paths = Paths(lake, self._options)

    @classmethod
    def of(cls, lake: DataLake) -> RadopsFileSystem:
        """Return the file system of a lake that is open."""
        made = cls(**lake.options)
        made._paths = Paths(lake, made._options)
        return made

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Return a path without the protocol, and without the slash that some libraries prepend."""
        stripped = super()._strip_protocol(path)
        return stripped.lstrip("/") if isinstance(stripped, str) else stripped

    def __reduce__(self) -> tuple[Any, ...]:
        scope = self._paths.where_known(Scope.of_creator)
        if scope is None:
            return make_instance, (type(self), (), self._options)
        return self._passed_on, (self._options, scope)

    @classmethod
    def _passed_on(cls, options: Mapping[str, Any], scope: Scope) -> RadopsFileSystem:
        made = cls(**options)
        made._paths.read_for(scope)
        return made

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget listings, directories that were found, and what `@latest` resolved to."""
        self._paths.forget_all()
        super().invalidate_cache(path)

    # -- what is known of paths --------------------------------------------------------------------

    def info(self, path: str, **_: Any) -> Info:
        """Return name, size, type (`file` or `directory`), and digest and mtime if it has them.

        Raises:
            FileNotFoundError: There is nothing of that name.
            RemoteUnavailableError: The remote is needed, and cannot be reached.
        """
        path = self._strip_protocol(path)
        return self._paths.where_known(lambda: self._info(path))

    def _info(self, path: str) -> Info:
        found, inner = self._paths.find(path)
        if isinstance(found, File):
            mtime = found.created().timestamp()
            return file_info(path, found.size, found.digest().hex, mtime)
        if found is not None:
            mtime = found.created().timestamp()
            return folder_info(path, mtime=mtime, digest="" if inner else found.digest().hex)
        if not self._paths.split(path)[1] or self._paths.listing(path):
            return folder_info(path)
        raise not_found(path)

    def exists(self, path: str, **_: Any) -> bool:
        """Return whether there is something of that name; an outage is an error, not False."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def isfile(self, path: str) -> bool:
        """Return whether there is a file of that name; an outage is an error, not False."""
        return self._type(path) == "file"

    def isdir(self, path: str) -> bool:
        """Return whether there is a folder of that name; an outage is an error, not False."""
        return self._type(path) == "directory"

    def _type(self, path: str) -> str | None:
        try:
            return str(self.info(path)["type"])
        except FileNotFoundError:
            return None

    def created(self, path: str) -> datetime:
        """Return when a file was added or made; of one in a directory, when the directory was."""
        path = self._strip_protocol(path)
        found, _ = self._paths.where_known(lambda: self._paths.find(path))
        if found is None:
            raise not_found(path)
        return found.created()

    def modified(self, path: str) -> datetime:
        """Return the same as `created`: files never change."""
        return self.created(path)

    def ukey(self, path: str) -> str:
        """Return the digest of a file, which is equal for equal bytes."""
        path = self._strip_protocol(path)
        return self._paths.where_known(lambda: self._paths.file(path).digest().hex)

    def checksum(self, path: str) -> int:
        """Return the digest of a file as a number."""
        return int(self.ukey(path), 16)

    def sign(self, path: str, expiration: int = 3600, **_: Any) -> str:
        """Return a URL by which anyone can read a file for some seconds."""
        context, name = self._paths.split(self._strip_protocol(path))
        return self._paths.lake(context).presigned_url(name, expiration)

    # -- listings ----------------------------------------------------------------------------------

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Info] | list[str]:
        """Return what is directly in a folder, or a file itself.

        Raises:
            FileNotFoundError: There is nothing of that name.
        """
        path = self._strip_protocol(path)
        rows: list[Info] = self._paths.where_known(lambda: self._ls(path))
        return [dict(row) for row in rows] if detail else [row["name"] for row in rows]

    def _ls(self, path: str) -> list[Info]:
        found, inner = self._paths.find(path)
        if isinstance(found, File):
            return [self._info(path)]
        if found is not None:
            return infos_in(found, path, inner)
        rows = self._paths.listing(path)
        if not rows and self._paths.split(path)[1]:
            raise not_found(path)
        return rows

    def walk(
        self, path: str, maxdepth: int | None = None, topdown: bool = True, on_error: Any = "omit",
        **more: Any,
    ) -> Iterator[Any]:  # fmt: skip
        """Yield folders with their folders and files, as `os.walk` does; an outage is an error."""

        def handle(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise error
            if callable(on_error):
                on_error(error)

        chosen: Any = on_error if on_error == "raise" else handle
        yield from super().walk(path, maxdepth, topdown, chosen, **more)

    def find(
        self, path: str, maxdepth: int | None = None, withdirs: bool = False, detail: bool = False,
        **more: Any,
    ) -> Any:  # fmt: skip
        """Return all files below a folder, sorted, or the file itself.

        Args:
            path: The folder.
            maxdepth: How deep to go.
            withdirs: Also folders.
            detail: Return a dictionary of what `info` returns.
            more: Passed on to `ls`.
        """
        path = self._strip_protocol(path)
        found, inner = self._paths.where_known(lambda: self._paths.find_or_nothing(path))
        if maxdepth is not None or not isinstance(found, Directory):
            return super().find(path, maxdepth, withdirs, detail, **more)
        if not detail and not withdirs:
            return self._paths.where_known(lambda: names_below(found, path, inner))
        rows = self._paths.where_known(lambda: infos_below(found, path, inner, withdirs=withdirs))
        return {row["name"]: row for row in rows} if detail else [row["name"] for row in rows]

    def du(
        self, path: str, total: bool = True, maxdepth: int | None = None, withdirs: bool = False,
        **more: Any,
    ) -> Any:  # fmt: skip
        """Return the bytes of all files below a path, in total or for each."""
        found = self.find(path, maxdepth, withdirs, detail=True, **more)
        sizes = {name: row["size"] for name, row in found.items()}
        return sum(sizes.values()) if total else sizes

    # -- reading -----------------------------------------------------------------------------------

    def _open(self, path: str, mode: str = "rb", fetch: Any = None, **_: Any) -> Any:
        """Open a file; see `File.open` for `fetch`."""
        if mode == "rb":
            return self._paths.where_known(
                lambda: for_libraries(self._paths.file(path).open("rb", fetch=fetch))
            )
        return self._paths.where_known(lambda: begin(self._paths, path, mode))

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> bytes:
        """Return the verified bytes of a file, or of a part of it.

        Args:
            path: The file.
            start: First byte; negative numbers count from the end.
            end: The byte after the last one; likewise.
        """
        found: list[bytes] = self.cat_ranges([path], [start], [end], on_error="raise")
        return found[0]

    def cat_ranges(
        self,
        paths: Sequence[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        on_error: str = "return",
        **_: Any,
    ) -> list[Any]:
        """Return parts of files. Of one file, neighbouring parts are fetched together.

        Args:
            paths: The file of each part.
            starts: Its first byte, or one number for all; None for the start of the file.
            ends: The byte after its last one, or one number for all; None for the end.
            max_gap: Ignored: blocks of 1 MiB are merged.
            on_error: `return` puts an error into the place of a part; `raise` raises it.
        """
        starts = list(starts) if isinstance(starts, Iterable) else [starts] * len(paths)
        ends = list(ends) if isinstance(ends, Iterable) else [ends] * len(paths)
        if not len(paths) == len(starts) == len(ends):
            raise ValueError(f"{len(paths)} paths, {len(starts)} starts and {len(ends)} ends")
        numbers: dict[str, list[int]] = {}
        for number, path in enumerate(paths):
            numbers.setdefault(self._strip_protocol(path), []).append(number)
        results: list[Any] = [b""] * len(paths)
        for path, parts in numbers.items():
            spans = [(starts[number], ends[number]) for number in parts]
            try:
                found: list[Any] = self._paths.where_known(partial(self._parts, path, spans))
            except Exception as error:
                if on_error == "raise":
                    raise
                found = [error] * len(parts)
            for number, data in zip(parts, found, strict=True):
                results[number] = data
        return results

    def _parts(self, path: str, spans: Sequence[tuple[int | None, int | None]]) -> list[bytes]:
        file = self._paths.file(path)
        if list(spans) == [(None, None)]:
            return [file.read_bytes()]
        cut = [slice(start, end).indices(file.size)[:2] for start, end in spans]
        return file.read_ranges([(start, max(0, end - start)) for start, end in cut])

    def read_block(
        self, fn: str, offset: int, length: int | None, delimiter: bytes | None = None
    ) -> bytes:
        """Return a part of a file, from one delimiter to another.

        Args:
            fn: The file.
            offset: First byte; with a delimiter, the part begins after the next one.
            length: How many bytes; with a delimiter, it ends after the next one. None for all.
            delimiter: What parts begin after; none at the start of the file.
        """
        rest = self.size(fn) - offset
        with self.open(fn, "rb") as stream:
            size = rest if length is None else min(length, rest)
            found: bytes = read_block(stream, offset, max(0, size), delimiter)
            return found

    def cat(self, path: Any, recursive: bool = False, on_error: str = "raise", **more: Any) -> Any:
        """Return the bytes of a file, or of many by their paths.

        Many files of a directory are read in the order in which they are stored, with few requests.
        """
        paths = self.expand_path(path, recursive=recursive)
        if isinstance(path, str) and paths == [self._strip_protocol(path)]:
            return self.cat_file(paths[0], **more)
        found: dict[str, Any] = (
            {} if more else self._paths.where_known(lambda: self._paths.read_directories(paths))
        )
        rest: dict[str, Any] = {}
        for one in paths:
            if one in found:
                continue
            try:
                rest[one] = self.cat_file(one, **more)
            except IsADirectoryError:
                continue  # among what a path was expanded to
            except Exception as error:
                if on_error == "raise":
                    raise
                if on_error == "return":
                    rest[one] = error
        return {one: found[one] if one in found else rest[one] for one in paths
                if one in found or one in rest}  # fmt: skip

    def get_file(
        self, rpath: str, lpath: Any, callback: Any = DEFAULT_CALLBACK, outfile: Any = None,
        **_: Any,
    ) -> None:  # fmt: skip
        """Copy a file out of the lake, verified. It is on this machine from then on.

        Args:
            rpath: The file of the lake; of a folder, only a folder is made.
            lpath: Where to, or an open file.
            callback: Of fsspec, told the size.
            outfile: An open file.
        """
        rpath = self._strip_protocol(rpath)
        if outfile is None and isfilelike(lpath):
            outfile = lpath
        if outfile is None and self.isdir(rpath):
            Path(lpath).mkdir(parents=True, exist_ok=True)
            return
        file: File = self._paths.where_known(lambda: self._paths.file(rpath))
        callback.set_size(file.size)
        with self._paths.where_known(lambda: file.open("rb", fetch="whole")) as source:
            if outfile is not None:
                shutil.copyfileobj(source, outfile)
            else:
                Path(lpath).parent.mkdir(parents=True, exist_ok=True)
                with Path(lpath).open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
        callback.relative_update(file.size)

    # -- writing -----------------------------------------------------------------------------------

    def touch(self, path: str, truncate: bool = True, **_: Any) -> None:
        """Make an empty file.

        Raises:
            UIDConflictError: There is a file of that name.
        """
        with self.open(path, "wb"):
            pass
