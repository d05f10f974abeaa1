"""A disk that can be stopped at every step, and that forgets what was not flushed.

Every change of a name below a folder is seen before it is done: those that Python makes through
its audit hooks, or below a shared folder by descriptors of folders; where Rust is asked to write,
name or remove many files, it is asked for one at a time.
Contents that Rust writes to temporary files are found when the next step is seen. What `fsync`
and `syncfs` are asked for is noted, not done.

    disk = Disk(tmp_path / "world")
    with disk.watching(stop_at=7), pytest.raises(Crash):
        lake.add(...)                        # dies before its 7th step
    with disk.watching(recorder := Recorder(disk)):
        lake.add(...)
    recorder.states[3].restore(Worst())      # the disk after a loss of power at the 4th step
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from faults import Crash
from radops import native
from radops.backends import durability
from radops.backends.folder.beneath import Beneath

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

_CHANGES = frozenset(("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"))
_WRITING = os.O_CREAT | os.O_WRONLY | os.O_RDWR | os.O_TRUNC
# Files of SQLite, which can be lost.
_DERIVED = re.compile(r"(catalog|search-[\w-]+)\.sqlite")
_watching: Disk | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    disk = _watching
    if disk is None or disk.busy:
        return
    if event == "open":
        path, _, flags = arguments
        if not (isinstance(flags, int) and flags & _WRITING):
            return
    elif event in _CHANGES:
        path = arguments[1] if event in {"os.rename", "os.link"} else arguments[0]
    else:
        return
    if isinstance(path, (str, bytes, os.PathLike)):
        disk.step(event, os.fsdecode(path))


_installed = False


class Disk:
    """All that lies below a folder.

    Args:
        root: The folder; only one disk is watched at a time in a process.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.steps: list[str] = []
        self.busy = False
        self._stop_at: int | None = None
        self._recorder: Recorder | None = None
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def watching(
        self, *, stop_at: int | None = None, recorder: Recorder | None = None
    ) -> Iterator[Disk]:
        """See every step, from 0; from step `stop_at` on each raises `Crash` and is not done."""
        global _watching, _installed  # noqa: PLW0603 - a hook cannot be taken out again
        if not _installed:
            _installed = True
            sys.addaudithook(_hook)
        assert _watching is None
        self.steps, self._stop_at, self._recorder = [], stop_at, recorder
        with (
            contextlib.ExitStack() as patched,
            mock.patch.object(durability, "sync_path", self._sync_path),
            mock.patch.object(durability, "sync_descriptor", self._sync_descriptor),
            mock.patch("radops.backends.folder.files.sync_descriptor", self._sync_descriptor),
            mock.patch.object(native, "sync_filesystem", self._sync_all),
            mock.patch.object(native, "write_files", self._stepping("open", native.write_files)),
            mock.patch.object(native, "place_files", self._stepping("name", native.place_files)),
            mock.patch.object(native, "remove_files", self._stepping("gone", native.remove_files)),
        ):
            for name in ("open", "link", "rename", "unlink", "mkdir", "rmdir"):
                call = self._stepping_beneath(name, getattr(Beneath, name))
                patched.enter_context(mock.patch.object(Beneath, name, call))
            _watching = self
            try:
                yield self
            finally:
                _watching = None

    def _stepping(self, event: str, real: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        """Have a call about many files, which Rust does at one go, done file by file."""

        def call(items: list[Any], **options: object) -> list[Any]:
            answers = []
            for item in items:
                path = item if event == "gone" else item[0 if event == "open" else 1]
                self.step(event, os.fspath(path))
                answers += real([item], **options)
            return answers

        return call

    def _stepping_beneath(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        """Note a change that is made by the descriptor of a folder: hooks see no whole path."""

        def call(tree: Beneath, path: str, *arguments: Any) -> object:
            if name != "open" or arguments[0] & _WRITING:
                self.step(name, arguments[0] if name in {"link", "rename"} else path)
            return real(tree, path, *arguments)

        return call

    def step(self, event: str, path: str) -> None:
        """Something is about to be changed at `path`."""
        if not path.startswith(f"{self.root}/") or _DERIVED.search(path):
            return
        with self._lock:
            number = len(self.steps)
            self.steps.append(f"{event} {path[len(str(self.root)) + 1 :]}")
            if self._stop_at is not None and number >= self._stop_at:
                raise Crash(f"before step {number}: {self.steps[-1]}")
            self._record()

    def _record(self, synced: int | None = None, *, everything: bool = False) -> None:
        if self._recorder is not None:
            self.busy = True
            try:
                self._recorder.observe(synced, everything=everything)
            finally:
                self.busy = False

    def _sync_path(self, path: str) -> None:
        inode = os.stat(path).st_ino
        with self._lock:
            self._record(inode)

    def _sync_descriptor(self, descriptor: int) -> None:
        with self._lock:
            self._record(os.fstat(descriptor).st_ino)

    def _sync_all(self, _descriptor: int) -> bool:
        with self._lock:
            self._record(everything=True)
        return True


# -- what a loss of power leaves -----------------------------------------------------------------


@dataclass
class _Node:
    """A file or a folder, by what it is and not by what it is called."""

    is_folder: bool
    now: dict[str, _Node] = field(default_factory=dict)
    options: dict[str, list[_Node | None]] = field(default_factory=dict)
    """Of a folder: what each name may be after a loss of power; one option is durable."""
    content: bytes = b""
    stamp: tuple[int, int] = (0, 0)
    synced: bytes | None = None
    """Of a file: what is durable of its content; None for nothing."""


class Recorder:
    """Notes at every step what the disk would hold after a loss of power."""

    def __init__(self, disk: Disk) -> None:
        self.root = disk.root
        self.states: list[State] = []
        self._nodes: dict[int, _Node] = {}
        self._top = self._scan(str(self.root), seen := {})
        self._nodes = seen
        self._settle(self._top)

    def observe(self, synced: int | None = None, *, everything: bool = False) -> None:
        seen: dict[int, _Node] = {}
        self._scan(str(self.root), seen)
        self._nodes = seen  # numbers of files that are gone may be given to others
        if "outside" in self._top.now:  # files of users, written long ago
            outside = self._top.now["outside"]
            for name, file in outside.now.items():
                file.synced = file.content
                outside.options[name] = [file]
        if everything:
            self._settle(self._top)
        elif synced is not None and synced in seen:
            self._settle_one(seen[synced])
        self.states.append(State(self.root, _copy(self._top, {})))

    def _scan(self, path: str, seen: dict[int, _Node]) -> _Node:
        inode = os.stat(path).st_ino
        node = self._nodes.get(inode)
        if node is None or not node.is_folder:
            node = _Node(is_folder=True)
        seen[inode] = node
        found: dict[str, _Node] = {}
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    found[entry.name] = self._scan(entry.path, seen)
                elif not _DERIVED.search(entry.name):
                    found[entry.name] = self._file(entry, seen)
        for name in {*found, *node.now}:
            after = found.get(name)
            if node.now.get(name) is not after or name not in node.options:
                options = node.options.setdefault(name, [None])
                if not any(option is after for option in options):
                    options.append(after)
        node.now = found
        return node

    def _file(self, entry: os.DirEntry[str], seen: dict[int, _Node]) -> _Node:
        status = entry.stat(follow_symlinks=False)
        node = seen.get(status.st_ino) or self._nodes.get(status.st_ino)
        if node is None or node.is_folder:
            node = _Node(is_folder=False)
        seen[status.st_ino] = node
        stamp = (status.st_size, status.st_mtime_ns)
        if node.stamp != stamp and stat.S_ISREG(status.st_mode):
            node.stamp = stamp
            content = Path(entry.path).read_bytes()
            if content != node.content:
                node.content = content
        return node

    def _settle(self, node: _Node) -> None:
        self._settle_one(node)
        for below in node.now.values():
            self._settle(below)

    @staticmethod
    def _settle_one(node: _Node) -> None:
        if node.is_folder:
            node.options = {name: [below] for name, below in node.now.items()}
        else:
            node.synced = node.content


def _copy(node: _Node, known: dict[int, _Node]) -> _Node:
    if (copy := known.get(id(node))) is None:
        known[id(node)] = copy = _Node(node.is_folder, content=node.content, synced=node.synced)
        copy.now = {name: _copy(below, known) for name, below in node.now.items()}
        copy.options = {
            name: [option and _copy(option, known) for option in options]
            for name, options in node.options.items()
        }
    return copy


@dataclass
class State:
    """The disk at one instant: what is durable, and what may or may not be."""

    root: Path
    top: _Node

    def restore(self, fate: Fate) -> None:
        """Make the folder what it is after a loss of power; `fate` decides what was kept."""
        for path in self.root.iterdir():
            shutil.rmtree(path)
        self._restore(self.top, self.root, fate, {})

    def _restore(self, node: _Node, path: Path, fate: Fate, made: dict[int, bytes]) -> None:
        for name in sorted(node.options):
            option = fate.entry(node.options[name])
            if option is None:
                continue
            if option.is_folder:
                (path / name).mkdir()
                self._restore(option, path / name, fate, made)
                continue
            if id(option) not in made:
                whole = option.synced == option.content
                made[id(option)] = option.content if whole else fate.content(option)
            (path / name).write_bytes(made[id(option)])
            (path / name).chmod(0o444)


class Fate:
    """What becomes of what was not flushed: names are there, their contents are garbage."""

    def entry(self, options: list[_Node | None]) -> _Node | None:
        return options[-1]

    def content(self, node: _Node) -> bytes:
        return node.synced if node.synced is not None else bytes(len(node.content))

    def __repr__(self) -> str:
        return type(self).__name__


class Torn(Fate):
    """Names are there, files end in the middle."""

    def content(self, node: _Node) -> bytes:
        return node.content[: len(node.content) // 2]


class Forgotten(Fate):
    """Nothing that was not flushed is there."""

    def entry(self, options: list[_Node | None]) -> _Node | None:
        return options[0]


class Chance(Fate):
    """Any of it, each name and file by itself."""

    def __init__(self, random: random.Random) -> None:
        self._random = random

    def entry(self, options: list[_Node | None]) -> _Node | None:
        return self._random.choice(options)

    def content(self, node: _Node) -> bytes:
        cut = self._random.randrange(len(node.content) + 1)
        kept = node.synced if node.synced is not None else b""
        garbage = node.content[:cut] + bytes(len(node.content) - cut)
        return self._random.choice([b"", node.content, node.content[:cut], garbage, kept])
