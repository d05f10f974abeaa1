"""How many rows and bytes the row groups of Parquet files have: their footers list it."""

from __future__ import annotations

import contextvars
import json
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow.parquet as pq

from radops.errors import ConflictError, UsageError
from radops.integrations.torch.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.data_lake import Directory, File
    from radops.integrations.torch.cache import RunCache

# Files whose ends are read at the same time: each waits for a request or two.
_THREADS: Final = 16
_NOTE: Final = "row-groups"


class Group(NamedTuple):
    """A row group."""

    file: int
    number: int
    rows: int
    bytes: int
    """Of its columns that are read, decoded."""


def check_unchanged(named: File | Directory, digest: str) -> None:
    """Make sure that what was read just now by a name is what it was when the stream was made.

    Args:
        named: The file or directory.
        digest: Its digest then.

    Raises:
        ConflictError: The name was deleted and given to something else.
    """
    if named.info().digest.hex != digest:  # `digest()` may be from before
        raise ConflictError(
            f"{named.uid} was deleted, and other bytes have its name now",
            uid=named.uid,
            hint="make a new stream",
        )


def read_groups(
    files: Sequence[File], digests: Sequence[str], columns: Sequence[str] | None, cache: RunCache
) -> list[Group]:
    """Return the row groups of some files, in order, except empty ones.

    They are kept in the cache of the stream, so that the files are not opened at its next start.

    Args:
        files: The files.
        digests: The digest of each.
        columns: Which columns are read; None for all.
        cache: Of the same files and columns.

    Raises:
        ConflictError: A name was given to other bytes.
        UsageError: A file does not have a column.
    """
    kept = cache.kept(_NOTE)
    if kept is not None:
        return [Group(*numbers) for numbers in json.loads(kept)]
    with Threads(_THREADS, "radops-footers") as threads:
        under_way = [
            # A creator that runs notes what it reads, in these threads too.
            threads.submit(
                contextvars.copy_context().run, _groups_of, number, file, digest, columns
            )
            for number, (file, digest) in enumerate(zip(files, digests, strict=True))
        ]
        groups = [group for one in under_way for group in one.result()]
    cache.keep(_NOTE, json.dumps(groups).encode())
    return groups


def _groups_of(number: int, file: File, digest: str, columns: Sequence[str] | None) -> list[Group]:
    with file.open("rb", fetch="ranges") as stream, pq.ParquetFile(stream) as parquet:
        check_unchanged(file, digest)
        names = parquet.schema_arrow.names
        missing = [name for name in columns or () if name not in names]
        if missing:
            raise UsageError(
                f"{file.uid} has no column {missing[0]}", hint=f"it has {', '.join(names)}"
            )
        metadata = parquet.metadata
        groups = []
        for index in range(metadata.num_row_groups):
            group = metadata.row_group(index)
            parts = [group.column(column) for column in range(group.num_columns)]
            size = sum(
                part.total_uncompressed_size
                for part in parts
                if columns is None or part.path_in_schema.split(".")[0] in columns
            )
            if group.num_rows:
                groups.append(Group(number, index, group.num_rows, size))
        return groups
