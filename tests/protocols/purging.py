"""A reader of a directory on a real home, cut at each call into Rust or the kernel by a purge.

Objects of directories are read by Rust from the disk, so the home is a real one, and so is the
purge, which sees the same home as another process does. It removes packs and large files first,
then the parts that say where in them the files are. At a cut it does all of that, or only the
first half, and the rest at a later cut.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import Self

from radops.data_lake import DataLake
from radops.lake.leaving import Leaving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    import pytest

    from radops.lake.holdings import Held

# A purge that waits for a lock which the reader holds goes on when the reader does. None does so
# far, and on a busy machine half of one takes half a second.
_PATIENCE = 10.0

_MODULES = ("posix", "_io", "radops._core")

# Calls that look at nothing in a home: a cut before one is as good as a cut before the next.
_ASIDE = frozenset(
    ("fspath", "_path_normpath", "getpid", "urandom", "hash_bytes", "scan_cbor"),
)


class Cut(NamedTuple):
    """Where a reader is stopped, and where once more; None: it is not."""

    first: int | None
    second: int | None = None


class Purge:
    """Makes room in a home, in a thread of its own; stops before the second batch until told.

    Args:
        home: The home.
        remote: Its remote.
    """

    def __init__(self, home: Path, remote: str) -> None:
        self._home, self._remote = home, remote
        self._thread = threading.Thread(target=self._run, name="purge")
        self._half, self._go = threading.Event(), threading.Event()
        self._were_parts: list[bool] = []
        self.removed = 0
        self.error: BaseException | None = None

    def begin(self) -> None:
        """Remove packs and large files."""
        self._thread.start()
        self._half.wait(_PATIENCE)

    def end(self, patience: float = _PATIENCE) -> None:
        """Remove the rest."""
        self._go.set()
        self._thread.join(patience)

    def _run(self) -> None:
        try:
            with contextlib.closing(DataLake(home=self._home, remote=self._remote)) as lake:
                lake.purge_local_storage()
        except BaseException as error:  # noqa: BLE001 - raised by the test
            self.error = error
        finally:
            self._half.set()

    def before_batch(self, objects: Sequence[Held]) -> None:
        """Called in the purge's thread before it removes a batch."""
        if self._were_parts:
            self._half.set()
            self._go.wait()
        self._were_parts += [one.is_part for one in objects]

    def finish(self) -> None:
        """Wait for the end of a purge that has begun, and judge it."""
        if self._thread.ident is None:
            return
        self.end(patience=60)
        assert not self._thread.is_alive(), "the purge does not end"
        if self.error is not None:
            raise self.error
        assert self._were_parts == sorted(self._were_parts), "parts went before what they tell of"

    def is_current(self) -> bool:
        """Say whether this is the purge's thread."""
        return threading.current_thread() is self._thread


class Cuts:
    """Counts calls of this thread into Rust and the kernel; before two of them others act."""

    def __init__(self, cut: Cut, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self.count = 0
        self._cut = cut
        self._last = ""
        self._begin, self._end = begin, end

    def __enter__(self) -> Self:
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _profile(self, _frame: FrameType, event: str, function: Any) -> None:
        if event != "c_call" or not _leaves_python(function):
            return
        last, self._last = self._last, function.__name__
        if last == self._last == "lstat":
            return  # a path is resolved: its folders stay
        if self.count == self._cut.first:
            self._begin()
            if self._cut.second is None:
                self._end()
        if self.count == self._cut.second:
            self._end()
        self.count += 1


def _leaves_python(function: Any) -> bool:
    name = getattr(function, "__name__", "")
    if name in _ASIDE:
        return False
    owner = getattr(function, "__self__", None)
    modules = (getattr(function, "__module__", None), type(owner).__module__)
    return name == "open" or any(module in _MODULES for module in modules)


@contextlib.contextmanager
def purging(home: Path, remote: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Purge]:
    """Give a purge that has not begun; it has ended after this."""
    purge = Purge(home, remote)
    move = Leaving.move

    def watched(leaving: Leaving, objects: Sequence[Held]) -> list[bool]:
        if not purge.is_current():
            return move(leaving, objects)
        purge.before_batch(objects)
        gone = move(leaving, objects)
        purge.removed += sum(gone)
        return gone

    with monkeypatch.context() as patch:
        patch.setattr(Leaving, "move", watched)
        try:
            yield purge
        finally:
            purge.finish()
