"""Reporting the progress of a long call."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from radops.repository.progress import ignore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.lake.reports import Progress
    from radops.repository.progress import Count

# A person should see within half a second that something is being done.
_SLOW_SECONDS = 0.25


@contextlib.contextmanager
def stage(
    progress: Progress | None,
    label: str,
    total_bytes: int | None = None,
    total_files: int | None = None,
) -> Iterator[Count]:
    """Give a function that counts bytes and files of one stage of work.

    Args:
        progress: Shows it; None for no display.
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


@contextlib.contextmanager
def stage_if_slow(
    progress: Progress | None, label: str, total_files: int | None = None
) -> Iterator[Count]:
    """Like `stage`, for work that is usually over at once: shown only after a quarter second."""
    if progress is None:
        yield ignore
        return
    late = _Late(progress, label, total_files)
    timer = threading.Timer(_SLOW_SECONDS, late.show)
    timer.daemon = True
    try:
        timer.start()
    except RuntimeError:  # the system allows no more threads
        late.show()
    try:
        yield late.count
    finally:
        timer.cancel()
        if timer.ident is not None:
            timer.join()
        late.end()


class _Late:
    """A stage that is shown only once `show` is called.

    Without a lock, which an interrupt at its release would leave held.
    """

    def __init__(self, progress: Progress, label: str, total_files: int | None) -> None:
        self._progress = progress
        self._label = label
        self._total_files = total_files
        self._bytes = 0
        self._files = 0
        self._shown = False

    def show(self) -> None:
        self._progress.start(self._label, None, self._total_files)
        self._progress.advance(self._bytes, self._files)
        self._shown = True

    def count(self, size: int, files: int) -> None:
        if self._shown:
            self._progress.advance(size, files)
        else:
            self._bytes += size
            self._files += files

    def end(self) -> None:
        if self._shown:
            self._progress.finish()
