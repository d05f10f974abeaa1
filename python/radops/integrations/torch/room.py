"""Where fetched runs are kept on this host, and how much room they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radops.data_lake import DataLake
from radops.errors import UsageError
from radops.sizes import byte_count
from radops.streams import streams_folder

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import Directory, File


def cache_root(of: Directory | File) -> Path:
    """Return the folder of this host for the runs of all streams."""
    return streams_folder(DataLake.of(of).home)


def too_small(limit: int, needed: int) -> UsageError:
    """Return the error for a cache that cannot hold what is in use at one time."""
    return UsageError(
        f"a cache of {limit:,} bytes is too small: at least {needed:,} are needed, so that no"
        " run is fetched twice in an epoch",
        hint="give more, or a smaller block=, which mixes less",
    )


def parse_size(size: str | int, what: str) -> int:
    """Return how many bytes an argument means: `64MB`, `1GiB`, or a number.

    Raises:
        UsageError: It means none.
    """
    found = byte_count(size)
    if found is None or found < 1:
        raise UsageError(f"{what}={size!r} cannot be used", hint='write "64MB", or bytes')
    return found
