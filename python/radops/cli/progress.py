"""Progress: a bar on a terminal, a line every 30 seconds elsewhere, nothing for quick work."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from radops.cli.output import count, human_size, is_terminal, note
from radops.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import rich.progress

# What takes less time shows no bar: one that flashes up would only distract.
_PATIENCE = 0.4
# How often the view is updated while the work reports nothing.
_TICK = 0.1
_LONGEST_LABEL = 32
# Off a terminal: often enough for a log that is watched, rare enough for one that is kept.
_EVERY = 30.0
# Between stages, and before the first.
_IDLE = "working"

_active: list[ProgressView] = []


class Interrupted(KeyboardInterrupt):
    """The person interrupted a command that continues when it is run again."""

    hint = "what is finished stays; run the same command again to do the rest"


@contextlib.contextmanager
def progress(*, quiet: bool, resumable: bool = False) -> Iterator[ProgressView | None]:
    """Show progress while the block runs.

    Args:
        quiet: Show nothing.
        resumable: The command continues where it was if it is interrupted and run again.

    Yields:
        What the lake reports its progress to; None if nothing is shown.

    """
    view = None
    if not quiet and sys.stderr is not None:
        view = Bar() if is_terminal(sys.stderr) else Lines()
    try:
        if view is None:
            yield None
        else:
            with view.running():
                yield view
    except KeyboardInterrupt as error:
        if resumable:
            raise Interrupted from error
        raise


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Show no progress while the block runs, such as a question to the person."""
    with contextlib.ExitStack() as stack:
        for view in _active:
            stack.enter_context(view.paused())
        yield


class ProgressView(ABC):
    """Counts what was done and shows it. Its methods may be called from any thread."""

    def __init__(self) -> None:
        # An interrupt may come while this thread holds the lock, and then the view is hidden.
        self._lock = threading.RLock()
        self._is_paused = False
        self._begin(_IDLE, None, None)

    def _begin(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
        self._began = self._shown = time.monotonic()
        self.label, self.total_bytes, self.total_files = label, total_bytes, total_files
        self.bytes = self.files = 0

    def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
        """Begin a piece of work; totals are None where they are not known."""
        with self._lock:
            self.hide()
            self._begin(label, total_bytes, total_files)

    def advance(self, bytes: int = 0, files: int = 0) -> None:  # noqa: A002 - the protocol's names
        """Add to what was done."""
        with self._lock:
            self.bytes += bytes
            self.files += files
            self._update()

    def finish(self) -> None:
        """End the piece of work."""
        self.start(_IDLE, None, None)

    def _update(self) -> None:
        if not self._is_paused:
            self.show(time.monotonic())

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Keep the view up to date while the block runs, also if nothing is reported."""
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(stop,), daemon=True)
        with contextlib.suppress(RuntimeError):  # no more threads: it shows what is reported
            ticker.start()
        _active.append(self)
        try:
            yield
        finally:
            _active.remove(self)
            stop.set()
            if ticker.ident is not None:
                ticker.join()
            with self._lock:
                self.hide()

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(_TICK):
            with self._lock:
                self._update()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Hide the view while the block runs."""
        with self._lock:
            self._is_paused = True
            self.hide()
        try:
            yield
        finally:
            with self._lock:
                self._is_paused = False
                self._began = self._shown = time.monotonic()

    @abstractmethod
    def show(self, now: float) -> None:
        """Bring the view up to date, if it is time to."""

    def hide(self) -> None:  # noqa: B027 - a view that leaves nothing on the screen hides nothing
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
    """A bar on a terminal, after `_PATIENCE` seconds; gone when the work is done."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def show(self, now: float) -> None:
        """Move the bar; make it first, if the work has lasted long enough."""
        # Files are the measure only where the number of bytes is not known.
        by_bytes = self.total_bytes is not None or not self.total_files
        if self._bar is None or self._task is None:
            if now - self._began < _PATIENCE:
                return
            self._bar = _make_bar(by_bytes=by_bytes)
            self._task = self._bar.add_task(
                printable(_short(self.label)), total=None, files="", rate=""
            )
            # What was done before the bar came counts towards the time left.
            self._bar.tasks[0].start_time = self._began
            self._bar.start()
        self._bar.update(
            self._task,
            completed=self.bytes if by_bytes else self.files,
            total=self.total_bytes if by_bytes else self.total_files,
            rate=f"{human_size(int(self.bytes / (now - self._began)))}/s" if self.bytes else "",
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
