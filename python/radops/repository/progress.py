"""How long work reports its progress: stages, each of which counts bytes and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from radops import native
from radops.repository.workers import POLL_SECONDS, Background

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Count(Protocol):
    """Reports what was done since the last report. Can be called from any thread."""

    def __call__(self, size: int, files: int, /) -> None:
        """Report that `size` more bytes and `files` more files are done."""
        ...


class Stages(Protocol):
    """Begins stages of long work, one after the other."""

    def __call__(self, label: str, /) -> AbstractContextManager[Count]:
        """Begin a stage, such as `listing objects`; it ends with the `with` block."""
        ...


def ignore(_size: int, _files: int, /) -> None:
    """Report nothing."""


class watching:  # noqa: N801 - used like a function
    """Give counters to a call into Rust, and report to `count` how they grow while it runs."""

    def __init__(self, count: Count) -> None:
        self._progress = native.Progress()
        self._count = count
        self._seen = (0, 0)
        self._background = Background("radops-progress", POLL_SECONDS, self._report)

    def _report(self) -> None:
        before, now = self._seen, (self._progress.bytes, self._progress.files)
        self._seen = now
        self._count(now[0] - before[0], now[1] - before[1])

    def __enter__(self) -> native.Progress:
        try:
            self._background.start()
            return self._progress  # noqa: TRY300 - an interrupt can come up to here
        except BaseException:  # an interrupt after the thread has started
            self._background.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self._background.stop()
        self._report()
