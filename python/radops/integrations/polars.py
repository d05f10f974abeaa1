"""Tables of a lake in polars, lazily: only the columns and row groups that a query needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from radops.data_lake import DataLake, Directory, File
from radops.errors import UIDNotFoundError
from radops.integrations.arrow import dataset
from radops.integrations.missing import missing

try:
    import polars
except ImportError as error:
    raise missing("polars", "polars") from error

if TYPE_CHECKING:
    from polars import LazyFrame


def scan_parquet(target: File | Directory | str, **options: Any) -> LazyFrame:
    """Return a Parquet file, or all of a directory, as a lazy frame.

    Columns and filters of the query are pushed down, so only the parts of the files that it needs
    are fetched. (`polars.scan_parquet` refuses the URL, and reads an open file whole.)

    Args:
        target: The file or directory, or its name in the current lake.
        options: As of `pyarrow.dataset.dataset`: `schema`, `partitioning`, ...

    Raises:
        UIDNotFoundError: There is no such file or directory.

    Example:
        >>> scan_parquet("datasets/rides").filter(polars.col("km") > 5).select("price").collect()
    """
    named = _named(target) if isinstance(target, str) else target
    return polars.scan_pyarrow_dataset(dataset(named, **{"format": "parquet", **options}))


def _named(name: str) -> File | Directory:
    lake = DataLake.current()
    located = lake.locate(name.removeprefix("radops://"))
    if located is None:
        raise UIDNotFoundError(f"there is no file or directory {name}", uid=name)
    return located.named if not located.inner else lake.file(name.removeprefix("radops://"))
