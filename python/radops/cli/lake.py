"""Opening the lake that a command works on."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from radops.cli.output import warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.data_lake import DataLake


@contextlib.contextmanager
def open_lake(
    context: str | None = None,
    *,
    offline: bool = False,
    quiet: bool = False,
    jobs: int | None = None,
) -> Iterator[DataLake]:
    """Open the lake, and show what it warns of.

    Args:
        context: `--context`.
        offline: `--offline`; without it RADOPS_OFFLINE decides.
        quiet: `--quiet`: only errors are told of.
        jobs: `--jobs`: how many transfers at once; None leaves it to the lake.

    """
    from radops.data_lake import DataLake  # noqa: PLC0415 - so that --help needs no lake

    logger = logging.getLogger("radops")
    handler = _Warnings(logging.ERROR if quiet else logging.WARNING)
    logger.addHandler(handler)
    try:
        with contextlib.closing(DataLake(context, offline=offline or None)) as lake:
            if jobs is not None:
                lake.jobs = jobs
            yield lake
    finally:
        logger.removeHandler(handler)


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())
