"""Tables of a lake as datasets of pyarrow: columns and filters are pushed down to ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from radops.data_lake import DataLake, Directory, File
from radops.errors import UsageError
from radops.integrations.fsspec import RadopsFileSystem
from radops.integrations.missing import missing

try:
    import pyarrow.dataset
except ImportError as error:
    raise missing("pyarrow", "arrow") from error

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMATS: Final = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".feather": "feather",
    ".arrow": "ipc",
    ".ipc": "ipc",
    ".orc": "orc",
    ".json": "json",
    ".jsonl": "json",
}


def dataset(target: File | Directory, **options: Any) -> pyarrow.dataset.Dataset:
    """Return a file, or the files of a directory, as one table; nothing but metadata is read.

    Args:
        target: The file or directory.
        options: As of `pyarrow.dataset.dataset`: `schema`, `partitioning`, ... `format` follows
            from the extension of the (first) file unless it is given.

    Raises:
        UIDNotFoundError: There is no such file or directory.
        UsageError: The extension does not tell the format.
    """
    target.digest()  # a name that does not exist is an error here, with names that may be meant
    if options.get("format") is None:
        options["format"] = _format(target)
    files = RadopsFileSystem.of(DataLake.of(target))
    return pyarrow.dataset.dataset(target.uid, filesystem=files, **options)


def _format(target: File | Directory) -> str:
    first = next(_shown(target), None)
    if first is None:
        raise UsageError(f"{target.uid} has no files", uid=target.uid)
    found = _FORMATS.get(first.suffix.lower())
    if found is None:
        raise UsageError(
            f"{first.uid}: the extension does not tell the format of a table",
            uid=target.uid,
            hint='name it: dataset(format="parquet")',
        )
    return found


def _shown(target: File | Directory) -> Iterator[File]:
    """Yield the files that pyarrow reads: hidden ones are left out."""
    if isinstance(target, File):
        yield target
        return
    for file in target.below():
        if not any(part[:1] in "._" for part in (file.inner or "").split("/")):
            yield file
