"""Small worlds in which something is done, and what must hold of them at every instant.

A world is a folder with homes, a shared folder as the remote, and files of users. A scenario
prepares one, does something to it, and knows which files there must be afterwards.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from directories.lakes import tree_of
from protocols.checker import check
from radops.backends.folder.backend import FolderBackend
from radops.data_lake import DataLake
from radops.errors import RadopsError, UIDNotFoundError
from radops.repository.refs.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

Directory = dict[str, bytes]
Files = dict[str, "bytes | Directory"]


@dataclass
class World:
    """Where a scenario happens.

    Args:
        root: The folder.
        far: Whether there is a remote.
    """

    root: Path
    far: bool
    _open: list[DataLake] = field(default_factory=list)

    def make(self) -> None:
        for name in ("home", "other", "shared", "outside"):
            (self.root / name).mkdir(parents=True)

    def lake(self, home: str = "home", **options: object) -> DataLake:
        remote = (self.root / "shared").as_uri() if self.far else None
        lake = DataLake(home=self.root / home, remote=remote, **options)
        self._open.append(lake)
        return lake

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    @contextmanager
    def closing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.close()

    def write(self, name: str, content: bytes) -> Path:
        path = self.root / "outside" / name
        if not path.exists():
            path.write_bytes(content)
        return path

    def places(self) -> list[tuple[str, bool]]:
        """Return the storages of this world, and whether each is a cache of another."""
        homes = [("home/storage", self.far), ("other/storage", True)]
        return [*homes, ("shared", False)] if self.far else homes

    def check(self) -> None:
        """Have the checker look at everything."""
        for name, cache in self.places():
            backend = FolderBackend(self.root / name)
            lakes = [""] if name == "shared" else _lakes(self.root / name)
            for prefix in lakes:
                check(
                    Repository(backend, prefix, originator="checker@example.com"), cache=cache
                ).raise_for_findings()
            backend.close()

    def age(self, seconds: float) -> None:
        """Make everything look older."""
        then = time.time() - seconds
        for path in self.root.rglob("*"):
            if path.is_file() and not path.name.startswith(("catalog", "search-")):
                os.utime(path, (then, then))


def _lakes(storage: Path) -> list[str]:
    lakes = storage / "lakes"
    return [f"lakes/{path.name}/" for path in lakes.iterdir()] if lakes.is_dir() else []


@dataclass(frozen=True)
class Scenario:
    """Something that people do.

    Args:
        name: For messages.
        before: What they had done before.
        action: What they do; done again, it succeeds too.
        kept: Files that stand before and after.
        made: Files that stand after.
        gone: Files that stand before, and after no more.
        far: Whether it makes sense with a remote only (True), without only, or both (None).
        damaged: Whether the home held wrong bytes before, which must not be served.
    """

    name: str
    before: Callable[[World], None]
    action: Callable[[World], object]
    kept: Files
    made: Files = field(default_factory=dict)
    gone: Files = field(default_factory=dict)
    far: bool | None = None
    damaged: bool = False

    def check_between(self, world: World) -> None:
        """Whatever happened in the middle of the action: nothing is wrong, nothing is lost."""
        if not self.damaged:
            world.check()
        with world.closing():
            lake = world.lake()
            rows = lake.ls(recursive=True, details=True)
            # A finished result that waits to be published is listed, but has no name yet.
            found = {row.uid for row in rows if not row.pending}
            assert set(self.kept) <= found <= {*self.kept, *self.made, *self.gone}
            # A file that is there can be read, and a read returns what was put in.
            for uid, content in {**self.kept, **self.made, **self.gone}.items():
                if uid in found:
                    assert read(lake, uid, content) == content, uid
                elif uid not in self.gone:  # what was deleted elsewhere is asked again in an hour
                    assert not lake.file(uid).exists(), uid
            self._sources_are_somewhere(world, found)

    def _sources_are_somewhere(self, world: World, found: set[str]) -> None:
        for uid, content in self.made.items():
            if uid.startswith("moved"):
                source = world.root / "outside" / uid
                assert uid in found or source.read_bytes() == content

    def check_after(self, world: World) -> None:
        """It is done, and everybody sees it."""
        if not self.damaged:
            world.check()
        with world.closing():
            for lake in (world.lake(), world.lake("other")) if world.far else (world.lake(),):
                found = {row.uid for row in lake.ls(recursive=True, details=True)}
                assert found == {*self.kept, *self.made}
                for uid, content in {**self.kept, **self.made}.items():
                    assert read(lake, uid, content) == content, uid

    def again(self, world: World) -> None:
        """Do the same again; what is done already is no error, or says so."""
        with world.closing():
            try:
                self.action(world)
            except UIDNotFoundError:
                if not self.gone:
                    raise
            except RadopsError as error:
                if "no such file" not in str(error).lower() or not any(
                    uid.startswith("moved") for uid in self.made
                ):
                    raise


def read(lake: DataLake, uid: str, like: bytes | Directory) -> bytes | Directory:
    """Return the bytes of a file, or of all files of a directory, each read from its place."""
    if isinstance(like, bytes):
        return lake.file(uid).read_bytes()
    tree = tree_of(lake, uid)
    tree.fetch()
    return {entry.path: tree.read(entry.path) for entry in tree.each()}


@contextmanager
def copied(template: Path, root: Path) -> Iterator[World]:
    """Give a fresh copy of a prepared world, and remove it."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root)
    world = World(root, (template / "far").exists())
    try:
        yield world
    finally:
        world.close()
        shutil.rmtree(root, ignore_errors=True)
