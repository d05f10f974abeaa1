"""Files on their way into a store, and what has to be undone when the work ends in between.

A piece of work runs in a `with store.staging()` block. However it ends, temporary files that are
left are removed, and sources of a move that did not complete are given back. If the process is
killed instead, the next one that writes to the store does so, by a journal of moves:

::

    tmp/moves/<name of a temporary file>      a line of JSON for each source

A linked source becomes read-only, with another time, before its bytes are the lake's; and until it
is removed, an object shares its file. Any source has another name for an instant before it is
removed (see `lending.remove`). The journal is written before, and removed at the end of the work.
"""

from __future__ import annotations

import contextlib
import json
import os
import weakref
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radops.backends.folder import temporary
from radops.format.digest import Digest
from radops.repository.objects.lending import Identity, Lent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Unfinished:
    """What a piece of work has begun and not finished.

    Without a lock, which an interrupt at its release would leave held: each change is one operation
    of a set or dict, which Python does as a whole.

    Args:
        give_back: Gives sources of a move back.
        discard: Removes temporary files.
    """

    def __init__(
        self,
        give_back: Callable[[Iterable[Any]], None],
        discard: Callable[[Iterable[Path]], None],
    ) -> None:
        self._give_back = give_back
        self._discard = discard
        self._paths: set[Path] = set()
        self._moves: dict[Path, Any] = {}

    def expect(self, paths: Iterable[Path]) -> None:
        """Note temporary files before they are made."""
        self._paths.update(paths)

    def lend(self, path: Path, move: object) -> None:
        """Note a source of a move, which has a second name at a temporary path."""
        self._moves[path] = move

    def adopted(self, paths: Iterable[Path]) -> None:
        """Note that temporary files have become objects."""
        self._paths.difference_update(paths)

    def moved(self, path: Path) -> None:
        """Note that a source is removed, or stays in place."""
        self._moves.pop(path, None)

    def clear(self) -> None:
        """Undo what is not finished; nothing the second time."""
        moves, paths = dict(self._moves), list(self._paths)
        self._give_back(moves.values())
        for path in moves:
            self._moves.pop(path, None)
        self._discard(paths)
        self._paths.difference_update(paths)


class _Work:
    """What the context of a thread holds of a piece of work; threads begun by it copy the context.

    A thread that outlives the block holds it on: what that thread leaves is removed at its end.
    """

    def __init__(self, store: object, unfinished: Unfinished) -> None:
        self.store = store
        self.unfinished = unfinished
        self.outer: _Work | None = None
        self.is_over = False
        weakref.finalize(self, unfinished.clear)

    def begin(self) -> None:
        """Enter the context."""
        self.outer = _current.get()
        _current.set(self)

    def end(self) -> None:
        """Leave the context and undo what is not finished; nothing the second time."""
        self.is_over = True
        # Not if a block within this one has not ended yet, as an interrupt came: it leaves both.
        if _current.get() is self:
            outer = self.outer
            while outer is not None and outer.is_over:
                outer = outer.outer
            _current.set(outer)
        self.unfinished.clear()


_current: ContextVar[_Work | None] = ContextVar("radops_staging", default=None)


class Staging:
    """The block of one piece of work that takes files into a store.

    Only the `with` statement holds it, so it is collected however that ends: also if an interrupt
    comes before the first line of `__exit__`.

    Args:
        store: The store.
        unfinished: Takes note of what it begins.
    """

    def __init__(self, store: object, unfinished: Unfinished) -> None:
        self._work = _Work(store, unfinished)
        weakref.finalize(self, self._work.end)

    def __enter__(self) -> None:
        """Begin."""
        self._work.begin()

    def __exit__(self, *_: object) -> None:
        """Undo what is not finished."""
        self._work.end()


def work_on(store: object) -> Unfinished | None:
    """Return what the work that runs in this thread has begun on a store; None if there is none."""
    work = _current.get()
    return work.unfinished if work is not None and work.store is store else None


_FOLDER = "moves"

Move = tuple[Lent, Digest, int]
"""A source, with the digest and size of its bytes."""


def journal_path(name: Path) -> Path:
    """Return where the journal is that has the name of a temporary file."""
    return name.parent / _FOLDER / name.name


def write_journal(path: Path, moves: Iterable[Move]) -> None:
    """Write a journal, into a folder that exists.

    It need not survive a loss of power, only the end of the process.
    """
    lines = [
        json.dumps(
            {
                "path": os.fspath(lent.path.absolute()),
                "digest": digest.hex,
                "size": size,
                "how": lent.how,
                "name": lent.name,
                "device": lent.content.device,
                "inode": lent.content.inode,
                "mode": lent.mode,
                "atime_ns": lent.atime_ns,
                "mtime_ns": lent.mtime_ns,
            }
        )
        for lent, digest, size in moves
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def abandoned_moves(tmp: Path) -> Iterator[tuple[Path, list[Move]]]:
    """Yield the journals of processes that were killed, with their moves."""
    with contextlib.suppress(FileNotFoundError):
        for path in sorted((tmp / _FOLDER).iterdir()):
            if temporary.is_over(path.name):
                yield path, list(_moves(path))


def _moves(path: Path) -> Iterator[Move]:
    for line in path.read_text(encoding="ascii").splitlines():
        # The last line may be incomplete: then nothing was changed yet.
        with contextlib.suppress(ValueError, KeyError, TypeError):
            tree = json.loads(line)
            content = Identity(tree["device"], tree["inode"], tree["size"], tree["mtime_ns"], 0)
            lent = Lent(
                Path(tree["path"]),
                tree.get("how", "link"),
                Identity(*tree.get("name", content)),
                content,
                tree["mode"],
                tree["atime_ns"],
                tree["mtime_ns"],
            )
            yield lent, Digest.from_hex(tree["digest"]), tree["size"]
