"""A lake in DuckDB: `from 'radops://tab/*.parquet'`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from radops.integrations.fsspec import RadopsFileSystem
from radops.integrations.never_changing import refuse

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from radops.data_lake import DataLake


class ReadByDuckDB(RadopsFileSystem):
    """A lake that queries read and do not write.

    DuckDB closes the file of a `COPY` in the same way whether the query succeeded or failed, so
    part of a table would be published.
    """

    @override
    def _open(self, path: str, mode: str = "rb", fetch: Any = None, **more: Any) -> Any:
        """Open a file to read it."""
        if mode != "rb":
            refuse(
                f"DuckDB does not tell whether a query failed, so {path} is not written by it",
                "COPY to a local path: with File(uid).staged() as path: ...",
            )
        return super()._open(path, mode, fetch, **more)


def register(connection: DuckDBPyConnection, lake: DataLake) -> DuckDBPyConnection:
    """Make URLs `radops://...` of a connection read this lake; return the connection.

    They cannot be written: see `ReadByDuckDB`.

    Args:
        connection: What `duckdb.connect()` returned.
        lake: The lake; it replaces the one that was registered before.
    """
    if RadopsFileSystem.protocol in connection.list_filesystems():
        connection.unregister_filesystem(RadopsFileSystem.protocol)
    connection.register_filesystem(ReadByDuckDB.of(lake))
    return connection
