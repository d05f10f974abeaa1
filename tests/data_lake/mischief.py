"""A lake of all sorts of files, and what should not be done to one."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

from radops.data_lake import DataLake, File, file_creator
from radops.model.build import build_import
from radops.model.record import decode_slot
from radops.model.uid import UID

from .tampering import MIB, flip, noise, object_of, overwrite, slot_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@file_creator(name="tests.joined")
def joined(files: list[File], output_uid: str | None = None) -> File:
    out = File(output_uid) if output_uid else File()
    out.write_bytes(b"".join(f.read_bytes() for f in files))
    return out


def fill(lake: DataLake, write: Callable[..., Path]) -> list[str]:
    """Make a lake of all sorts of files; return the names of those that were added."""
    contents = {
        **{f"set/{n:02}.txt": b"%d" % n for n in range(12)},
        **{f"set/deep/er/{n}": b"%d" % (n % 3) for n in range(6)},  # shared objects
        "top": b"",
        "größe/日本.csv": b"umlaut",
        "set/gre\N{GREEK SMALL LETTER ALPHA}k": b"not plain",
        "medium": noise(300_000),
        "block": noise(MIB),
        "large": noise(3 * MIB + 5),
    }
    uids = list(contents)
    lake.add_many((write(f"{n}", data), uid) for n, (uid, data) in enumerate(contents.items()))
    with lake.use():
        joined([File("set/00.txt"), File("set/01.txt")], output_uid="made/one")
        joined([File("set/03.txt")], output_uid="made/equal")  # the bytes of an input
    for content in (b"old", b"new"):
        lake.add(write("again", content), "again")
        if content == b"old":
            lake.delete("again")
    for uid in ("set/02.txt", "medium"):
        lake.path(uid)  # with a view
    return [*uids, "made/one", "made/equal", "again"]


def damage(lake: DataLake, uids: list[str], rng: random.Random) -> None:
    """Do a few things to a lake that should not be done."""
    storage = lake.home / "storage"
    for _ in range(rng.randint(1, 6)):
        uid = rng.choice(uids)
        try:
            path, slot = object_of(lake, uid), slot_of(lake, uid)
            size = path.stat().st_size
            do = rng.choice(ACTS)
            do(lake, uid, path, slot, size, rng)
        except Exception:  # noqa: BLE001 - an earlier act was in the way
            continue
    for _ in range(rng.randint(0, 2)):
        where = rng.choice(["objects", "objects/ab", f"lakes/{lake.lake_id}/refs", "objects/ab/cd"])
        stray = storage / where / rng.choice(["x", "x.radops", "f" * 62, "y.radops-1-gone"])
        if not stray.exists():
            stray.parent.mkdir(parents=True, exist_ok=True)
            stray.write_bytes(b"stray")


def _flip(lake, uid, path, slot, size, rng) -> None:
    flip(path, rng.randrange(size))


def _flip_slot(lake, uid, path, slot, size, rng) -> None:
    flip(slot, rng.randrange(slot.stat().st_size))


def _cut(lake, uid, path, slot, size, rng) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(rng.randrange(size))
    path.chmod(0o444)


def _grow(lake, uid, path, slot, size, rng) -> None:
    overwrite(path, b"more", size)


def _drop(lake, uid, path, slot, size, rng) -> None:
    path.unlink()


def _open_up(lake, uid, path, slot, size, rng) -> None:
    path.chmod(rng.choice([0o644, 0o464, 0o446]))


def _link(lake, uid, path, slot, size, rng) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def _folder(lake, uid, path, slot, size, rng) -> None:
    path.unlink()
    path.mkdir()


def _swap(lake, uid, path, slot, size, rng) -> None:
    other = object_of(lake, "set/04.txt")
    if other != path:
        path.rename(path.with_name("x"))
        other.rename(path)
        path.with_name("x").rename(other)


def _other_record(lake, uid, path, slot, size, rng) -> None:
    shutil.copy(slot_of(lake, "set/05.txt"), slot)


def _lie(lake, uid, path, slot, size, rng) -> None:
    """Another size, or the digest of another file."""
    info = lake.info(rng.choice([uid, "set/06.txt"]))
    record = build_import(
        uid=UID(uid),
        digest=info.digest,
        size=info.size + rng.choice([0, 0, 1, 5 * MIB]),
        source="x",
        created_at=decode_slot(slot.read_bytes()).created,
        originator="eve",
        radops_version="0",
        commit_id=bytes(16),
    )
    slot.write_bytes(record.raw)


def _no_folder(lake, uid, path, slot, size, rng) -> None:
    slot_of(lake, rng.choice(["set", "set/deep", "größe"])).unlink()


def _mark(lake, uid, path, slot, size, rng) -> None:
    slot.with_name(f"{slot.name}-gone").touch()


def _second(lake, uid, path, slot, size, rng) -> None:
    shutil.copy(slot, slot.with_name(f"{slot.name}-1"))


def _no_edges(lake, uid, path, slot, size, rng) -> None:
    shutil.rmtree(lake.home / "storage" / "lakes" / lake.lake_id / "edges")


def _view(lake, uid, path, slot, size, rng) -> None:
    view = lake.home / "storage/lakes" / lake.lake_id / "files" / uid
    view.parent.mkdir(parents=True, exist_ok=True)
    view.unlink(missing_ok=True)
    view.write_bytes(rng.choice([b"mine", path.read_bytes()]))
    view.chmod(rng.choice([0o444, 0o644]))


def _slot_link(lake, uid, path, slot, size, rng) -> None:
    slot.rename(slot.with_name("moved"))
    slot.symlink_to("moved")


ACTS = [
    _flip, _flip, _flip_slot, _flip_slot, _cut, _grow, _drop, _drop, _open_up, _link, _folder,
    _swap, _other_record, _lie, _lie, _no_folder, _mark, _second, _no_edges, _view, _slot_link,
]  # fmt: skip
