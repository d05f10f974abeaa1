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

from protocols.checker import check
from radops.backends.folder import FolderBackend
from radops.data_lake import DataLake, File, file_creator
from radops.errors import RadopsError, UIDNotFoundError
from radops.repository.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = bytes(range(256)) * 4096 * 2 + b"the last block"
"""Three blocks."""

Files = dict[str, bytes]


@file_creator(name="tests.three")
def three(f: File, output_uids: list[str]) -> list[File]:
    """Three outputs of one call: one commit."""
    made = [File(uid) for uid in output_uids]
    for number, out in enumerate(made):
        out.write_bytes(f.read_bytes() + bytes([number]))
    return made


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
            if path.is_file() and not path.name.startswith("catalog"):
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
            # A file that is there can be read, and whoever reads it gets what was put in.
            for uid, content in {**self.kept, **self.made, **self.gone}.items():
                if uid in found:
                    assert lake.file(uid).read_bytes() == content, uid
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
                    assert lake.file(uid).read_bytes() == content, uid

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


def _have_input(world: World) -> None:
    lake = world.lake()
    lake.add(world.write("in", b"input"), "data/in")


KEPT = {"data/in": b"input"}


def _add_many(world: World) -> None:
    names = {"a": b"A", "b": b"B", "same": b"A", "large": LARGE}
    pairs = [(world.write(n, content), f"new/deep/{n}") for n, content in names.items()]
    world.lake().add_many(pairs)


def _move(world: World) -> None:
    names = {"moved-1": b"first", "moved-2": LARGE}
    pairs = [(world.root / "outside" / name, name) for name in names]
    world.lake().add_many([p for p in pairs if p[0].exists()], move=True)


def _before_move(world: World) -> None:
    _have_input(world)
    world.write("moved-1", b"first")
    world.write("moved-2", LARGE)


def _create(world: World) -> None:
    lake = world.lake()
    with lake.use():
        three(File("data/in"), output_uids=["out/1", "out/2", "sub/3"])


def _before_download(world: World) -> None:
    _have_input(world)
    world.lake().add(world.write("large", LARGE), "large")


def _download(world: World) -> None:
    lake = world.lake("other")
    assert lake.path("large").read_bytes() == LARGE
    assert lake.path("data/in").read_bytes() == b"input"


def _before_sync(world: World) -> None:
    _have_input(world)
    apart = world.lake(offline=True)
    apart.add(world.write("a", b"A"), "apart/a")
    with apart.use():
        three(File("apart/a"), output_uids=["out/1", "out/2", "sub/3"])


def _sync(world: World) -> None:
    world.lake().sync()


def _before_delete(world: World) -> None:
    _have_input(world)
    world.lake().add(world.write("old", b"old"), "data/old")


def _collect(world: World) -> None:
    world.lake().gc(dry_run=False, grace=3600)
    world.close()
    world.age(2 * 3600)
    world.lake().gc(dry_run=False, grace=3600)


def _before_collect(world: World) -> None:
    _before_delete(world)
    lake = world.lake()
    lake.add(world.write("large", LARGE), "data/large")
    lake.delete("data/old")
    lake.delete("data/large")
    world.close()
    world.age(2 * 3600)


def _before_repair(world: World) -> None:
    _before_download(world)
    objects = (world.root / "home/storage").glob("objects/*/*")
    for path in list(objects):
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.write(b"#")


def _repair(world: World) -> None:
    world.lake().verify(repair=True).raise_for_problems()


OUTPUTS = {"out/1": b"input\0", "out/2": b"input\1", "sub/3": b"input\2"}
SCENARIOS = [
    Scenario(
        "first add",
        lambda _world: None,
        lambda world: world.lake().add(world.write("in", b"input"), "data/in"),
        kept={},
        made=KEPT,
    ),
    Scenario(
        "add many",
        _have_input,
        _add_many,
        KEPT,
        made={
            "new/deep/a": b"A",
            "new/deep/b": b"B",
            "new/deep/same": b"A",
            "new/deep/large": LARGE,
        },
    ),
    Scenario("move", _before_move, _move, KEPT, made={"moved-1": b"first", "moved-2": LARGE}),
    Scenario("create", _have_input, _create, KEPT, made=OUTPUTS),
    Scenario("download", _before_download, _download, {**KEPT, "large": LARGE}, far=True),
    Scenario(
        "sync",
        _before_sync,
        _sync,
        KEPT,
        made={"apart/a": b"A", "out/1": b"A\0", "out/2": b"A\1", "sub/3": b"A\2"},
        far=True,
    ),
    Scenario(
        "delete",
        _before_delete,
        lambda world: world.lake().delete("data/old"),
        KEPT,
        gone={"data/old": b"old"},
    ),
    Scenario("collect", _before_collect, _collect, KEPT),
    Scenario("repair", _before_repair, _repair, {**KEPT, "large": LARGE}, far=True, damaged=True),
]


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
