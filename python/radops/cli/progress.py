"""Progress for people: a bar on a terminal, a line now and then elsewhere, nothing if quick."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from radops.cli.output import count, human_size, is_terminal, note

if TYPE_CHECKING:
    from collections.abc import Iterator

    import rich.progress

# Below this nobody wonders what is going on; a bar that flashes up would only distract.
_PATIENCE = 1.0
_LONGEST_LABEL = 32
# Off a terminal: often enough for a log that someone watches, rare enough for one that is kept.
_EVERY = 30.0


@contextlib.contextmanager
def progress(*, quiet: bool) -> Iterator[ProgressView | None]:
    """Give what the lake reports its progress to; None if nobody wants to see it."""
    if quiet or sys.stderr is None:
        yield None
        return
    view = Bar() if is_terminal(sys.stderr) else Lines()
    try:
        yield view
    finally:
        view.finish()


class ProgressView(ABC):
    """Counts what was done. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = self._shown = time.monotonic()
        self.label = ""
        self.bytes = self.files = 0
        self.total_bytes: int | None = None
        self.total_files: int | None = None

    def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
        """Begin a piece of work; totals are None where they are not known."""
        with self._lock:
            self.hide()
            self._began = self._shown = time.monotonic()
            self.label, self.total_bytes, self.total_files = label, total_bytes, total_files
            self.bytes = self.files = 0

    def advance(self, bytes: int = 0, files: int = 0) -> None:  # noqa: A002 - the protocol's names
        """Add to what was done."""
        with self._lock:
            self.bytes += bytes
            self.files += files
            self.show(time.monotonic())

    def finish(self) -> None:
        """End the piece of work."""
        with self._lock:
            self.hide()

    @abstractmethod
    def show(self, now: float) -> None:
        """Bring the view up to date, if it is time to."""

    def hide(self) -> None:  # noqa: B027 - a view that leaves nothing standing has nothing to hide
        """Take the view away."""


class Lines(ProgressView):
    """A line on stderr every 30 seconds."""

    def show(self, now: float) -> None:
        """Write a line, if the last one is old."""
        if now - self._shown < _EVERY:
            return
        self._shown = now
        note(self.line(now))

    def line(self, now: float) -> str:
        """Return `uploading: 1.2 GiB of 3.0 GiB, 12 of 40 files, 35.0 MiB/s, 52 s left`."""
        seconds = max(now - self._began, 1e-9)
        parts = []
        if self.bytes or self.total_bytes:
            of = f" of {human_size(self.total_bytes)}" if self.total_bytes else ""
            parts.append(human_size(self.bytes) + of)
        if self.total_files and self.total_files > 1:
            parts.append(f"{self.files:,} of {count(self.total_files, 'file')}")
        if self.bytes:
            parts.append(f"{human_size(int(self.bytes / seconds))}/s")
            if self.total_bytes and self.total_bytes > self.bytes:
                parts.append(f"{(self.total_bytes - self.bytes) * seconds / self.bytes:.0f} s left")
        return f"{self.label}: {', '.join(parts) or 'working'}"


class Bar(ProgressView):
    """A bar on a terminal, from the first second on; gone when the work is done."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def show(self, now: float) -> None:
        """Move the bar; put it up first, if the work has lasted long enough."""
        # Files count only where nobody knows the bytes.
        by_bytes = self.total_bytes is not None or not self.total_files
        if self._bar is None or self._task is None:
            if now - self._began < _PATIENCE:
                return
            self._bar = _make_bar(by_bytes=by_bytes)
            self._task = self._bar.add_task(_short(self.label), total=None, files="", rate="")
            # What was done before the bar came counts towards the time left.
            self._bar.tasks[0].start_time = self._began
            self._bar.start()
        self._bar.update(
            self._task,
            completed=self.bytes if by_bytes else self.files,
            total=self.total_bytes if by_bytes else self.total_files,
            rate=f"{human_size(int(self.bytes / (now - self._began)))}/s",
            files=f"{self.files:,}/{self.total_files:,} files"
            if self.total_files and self.total_files > 1
            else "",
        )

    def hide(self) -> None:
        """Take the bar away, without a trace."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None


def _short(label: str) -> str:
    """Return a label that leaves room for the bar; its end tells most of a long name."""
    return (
        label if len(label) <= _LONGEST_LABEL else f"{label[:9]}...{label[12 - _LONGEST_LABEL :]}"
    )


def _make_bar(*, by_bytes: bool) -> rich.progress.Progress:
    from rich.console import Console  # noqa: PLC0415 - only once the work takes long enough
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    rate = TextColumn("{task.fields[rate]}", markup=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        *([DownloadColumn(binary_units=True), rate] if by_bytes else []),
        TextColumn("{task.fields[files]}", markup=False),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        transient=True,
    )
