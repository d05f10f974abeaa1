"""What people do in a world, one thing a scenario; see `worlds.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from directories.lakes import add as add_directory
from radops.data_lake import File, file_creator
from reliability.worlds import Scenario

if TYPE_CHECKING:
    from reliability.worlds import Directory, World

LARGE = bytes(range(256)) * 4096 * 2 + b"the last block"
"""Three blocks."""


@file_creator(name="tests.three")
def three(f: File, output_uids: list[str]) -> list[File]:
    """Three outputs of one call: one commit."""
    made = [File(uid) for uid in output_uids]
    for number, out in enumerate(made):
        out.write_bytes(f.read_bytes() + bytes([number]))
    return made


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


FIRST: Directory = {"a": b"A", "b/same": b"A", "b/large": LARGE, "empty": b""}
SECOND: Directory = {**FIRST, "a": b"changed", "new": b"N"}


def _folder(world: World, files: Directory) -> Path:
    """Write a folder; what is as it should be is left, so that its stat stays."""
    folder = world.root / "outside" / "folder"
    for name, content in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for name in {*FIRST, *SECOND} - {*files}:
        (folder / name).unlink(missing_ok=True)
    return folder


def _add_directory(world: World) -> None:
    add_directory(world.lake(), _folder(world, FIRST), "set/v1")


def _before_version(world: World) -> None:
    _have_input(world)
    _add_directory(world)
    _folder(world, SECOND)


def _add_version(world: World) -> None:
    add_directory(world.lake(), _folder(world, SECOND), "set/v2", base=["set/v1"])


def _checkout(world: World) -> None:
    target = world.root / "outside" / "checkout"
    world.lake("other").directory("set/v1").download(to=target)
    written = {p.relative_to(target).as_posix(): p for p in target.rglob("*") if p.is_file()}
    del written[".radops-checkout"]
    assert {name: path.read_bytes() for name, path in written.items()} == FIRST
    assert not list(target.parent.glob(".radops-unfinished-*"))


def _edit(world: World) -> None:
    lake = world.lake()
    if lake.directory("set/v2").exists():
        return
    with lake.directory("set/v1").edit("set/v2") as edit:
        edit.write_bytes("a", SECOND["a"])
        edit.write_bytes("new", SECOND["new"])


def _before_directory_sync(world: World) -> None:
    _have_input(world)
    offline = world.lake(offline=True)
    add_directory(offline, _folder(world, FIRST), "set/v1")
    add_directory(offline, _folder(world, SECOND), "set/v2", base=["set/v1"])


def _before_directory_collect(world: World) -> None:
    _before_version(world)
    _add_version(world)
    world.lake().delete("set/v1")
    world.close()
    world.age(2 * 3600)


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
    Scenario("add directory", _have_input, _add_directory, KEPT, made={"set/v1": FIRST}),
    Scenario(
        "add version",
        _before_version,
        _add_version,
        {**KEPT, "set/v1": FIRST},
        made={"set/v2": SECOND},
    ),
    Scenario("edit", _before_version, _edit, {**KEPT, "set/v1": FIRST}, made={"set/v2": SECOND}),
    Scenario("checkout", _before_version, _checkout, {**KEPT, "set/v1": FIRST}, far=True),
    Scenario(
        "sync directories",
        _before_directory_sync,
        _sync,
        KEPT,
        made={"set/v1": FIRST, "set/v2": SECOND},
        far=True,
    ),
    Scenario(
        "collect beside a version",
        _before_directory_collect,
        _collect,
        {**KEPT, "set/v2": SECOND},
    ),
    Scenario("repair", _before_repair, _repair, {**KEPT, "large": LARGE}, far=True, damaged=True),
]
