"""Telling whoever wants to know how far a long call is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from radops.data_lake.reports import Progress


@contextlib.contextmanager
def stage(
    progress: Progress | None,
    label: str,
    total_bytes: int | None = None,
    total_files: int | None = None,
) -> Iterator[Callable[[int, int], None]]:
    """Give a function that counts bytes and files of one stage of work.

    Args:
        progress: Who is told; None for nobody.
        label: What is done: `adding`, `downloading`.
        total_bytes: How much there is in all, where known.
        total_files: How many files in all, where known.
    """
    if progress is None:
        yield ignore
        return
    progress.start(label, total_bytes, total_files)
    try:
        yield progress.advance
    finally:
        progress.finish()


def ignore(_bytes: int, _files: int) -> None:
    """Count nothing."""
