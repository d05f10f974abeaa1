"""Opening the lake that a command works on."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from radops.cli.output import note, warn

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
    """Open the lake; its warnings are shown.

    Args:
        context: `--context`.
        offline: `--offline`; without it RADOPS_OFFLINE decides.
        quiet: `--quiet`: only errors are shown.
        jobs: `--jobs`: how many transfers at once; None is the lake's default.

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


def resolved(lake: DataLake, name: str, *, quiet: bool = False) -> str:
    """Return a name with its `@latest` replaced by the version that it means, and say which."""
    found = lake.resolve(name)
    if found != name:
        note(f"{name} is {found}", quiet=quiet)
    return found


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warn(record.getMessage())
