"""A lake of all sorts of files, and what should not be done to one."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from typing import TYPE_CHECKING, NamedTuple

from lake.tampering import MIB, flip, noise, overwrite
from radops.data_lake import DataLake, File, file_creator
from radops.errors import CorruptDataError, NewerFormatError, UIDNotFoundError
from radops.format.build import build_import
from radops.format.record import tombstone
from radops.format.uid import UID

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


@file_creator(name="tests.joined")
def joined(files: list[File], output_uid: str | None = None) -> File:
    out = File(output_uid) if output_uid else File()
    out.write_bytes(b"".join(f.read_bytes() for f in files))
    return out


@file_creator(name="tests.split")
def split(file: File, output_uids: list[str]) -> list[File]:
    outputs = [File(uid) for uid in output_uids]
    for number, out in enumerate(outputs):
        out.write_bytes(file.read_bytes() + b"%d" % (number % 9))  # shared objects
    return outputs


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
    few = [f"made/few/{number:02}.txt" for number in range(3)]
    many = [f"made/many/{number:02}.txt" for number in range(66)]
    with lake.use():
        joined([File("set/00.txt"), File("set/01.txt")], output_uid="made/one")
        joined([File("set/03.txt")], output_uid="made/equal")  # the bytes of an input
        split(File("set/04.txt"), output_uids=few)  # each record keeps all outputs
        split(File("set/05.txt"), output_uids=many)  # the call is an object of its own
    for content in (b"old", b"new"):
        lake.add(write("again", content), "again")
        if content == b"old":
            lake.delete("again")
    for uid in ("set/02.txt", "medium"):
        lake.path(uid)  # with a view
    return [*uids, "made/one", "made/equal", *few, *many[::13], "again"]


# What an act raises on a file that an earlier act removed or damaged.
_IN_THE_WAY = (OSError, CorruptDataError, UIDNotFoundError, NewerFormatError)


class Place(NamedTuple):
    """Where a lake's files are: this machine's storage, or the folder that is its remote."""

    lake: DataLake
    storage: Path
    """Has `objects`."""
    names: Path
    """Has `refs` and `edges`."""

    def object(self, uid: str) -> Path:
        return self.storage / "objects" / self.lake.info(uid).digest.path

    def slot(self, uid: str) -> Path:
        return self.names / "refs" / f"{uid}.radops"


def damage(lake: DataLake, uids: list[str], rng: random.Random) -> list[str]:
    """Do a few things to a lake that should not be done; return the names of those done."""
    storage = lake.home / "storage"
    return _damage(Place(lake, storage, storage / "lakes" / lake.lake_id), uids, ACTS, rng)


def damage_remote(lake: DataLake, folder: Path, uids: list[str], rng: random.Random) -> list[str]:
    """Do the same to the folder that is the remote of a lake."""
    return _damage(Place(lake, folder, folder), uids, REMOTE_ACTS, rng)


def _damage(
    place: Place, uids: list[str], acts: Sequence[Callable[..., None]], rng: random.Random
) -> list[str]:
    done = []
    for _ in range(rng.randint(1, 6)):
        uid = rng.choice(uids)
        do = rng.choice(acts)
        try:
            path, slot = place.object(uid), place.slot(uid)
            size = path.stat().st_size
            if size == 0 and do in (_flip, _cut):
                continue
            do(place, uid, path, slot, size, rng)
        except _IN_THE_WAY:
            continue
        done.append(do.__name__)
    refs = place.names.relative_to(place.storage) / "refs"
    for _ in range(rng.randint(0, 2)):
        where = rng.choice(["objects", "objects/ab", refs, "objects/ab/cd"])
        stray = place.storage / where / rng.choice(["x", "x.radops", "f" * 62, "y.radops-1-gone"])
        if not stray.exists():
            stray.parent.mkdir(parents=True, exist_ok=True)
            stray.write_bytes(b"stray")
            done.append("stray")
    return done


def _flip(place, uid, path, slot, size, rng) -> None:
    flip(path, rng.randrange(size))


def _flip_slot(place, uid, path, slot, size, rng) -> None:
    flip(slot, rng.randrange(slot.stat().st_size))


def _cut(place, uid, path, slot, size, rng) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(rng.randrange(size))
    path.chmod(0o444)


def _grow(place, uid, path, slot, size, rng) -> None:
    overwrite(path, b"more", size)


def _drop(place, uid, path, slot, size, rng) -> None:
    path.unlink()


def _open_up(place, uid, path, slot, size, rng) -> None:
    path.chmod(rng.choice([0o644, 0o464, 0o446]))


def _link(place, uid, path, slot, size, rng) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def _folder(place, uid, path, slot, size, rng) -> None:
    path.unlink()
    path.mkdir()


def _swap(place, uid, path, slot, size, rng) -> None:
    other = place.object("set/04.txt")
    if other != path:
        path.rename(path.with_name("x"))
        other.rename(path)
        path.with_name("x").rename(other)


def _other_record(place, uid, path, slot, size, rng) -> None:
    shutil.copy(place.slot("set/05.txt"), slot)


def _lie(place, uid, path, slot, size, rng) -> None:
    """Another size, or the digest of another file."""
    info = place.lake.info(rng.choice([uid, "set/06.txt"]))
    record = build_import(
        uid=UID(uid),
        digest=info.digest,
        size=info.size + rng.choice([0, 0, 1, 5 * MIB]),
        source="x",
        created_at=dt.datetime(2026, 11, 22, tzinfo=dt.timezone.utc),
        originator="eve",
        radops_version="0",
        commit_id=bytes(16),
    )
    slot.write_bytes(record.raw)


def _no_folder(place, uid, path, slot, size, rng) -> None:
    place.slot(rng.choice(["set", "set/deep", "größe"])).unlink()


def _mark(place, uid, path, slot, size, rng) -> None:
    slot.with_name(f"{slot.name}-gone").touch()


def _second(place, uid, path, slot, size, rng) -> None:
    shutil.copy(slot, slot.with_name(f"{slot.name}-1"))


def _no_edges(place, uid, path, slot, size, rng) -> None:
    shutil.rmtree(place.names / "edges")


def _view(place, uid, path, slot, size, rng) -> None:
    view = place.names / "files" / uid
    view.parent.mkdir(parents=True, exist_ok=True)
    view.unlink(missing_ok=True)
    view.write_bytes(rng.choice([b"mine", path.read_bytes()]))
    view.chmod(rng.choice([0o444, 0o644]))


def _slot_link(place, uid, path, slot, size, rng) -> None:
    slot.rename(slot.with_name("moved"))
    slot.symlink_to("moved")


def _no_slot(place, uid, path, slot, size, rng) -> None:
    slot.unlink()


def _bury(place, uid, path, slot, size, rng) -> None:
    """A delete that was cut short, or the end of a commit that was given up."""
    when = dt.datetime(2026, 11, 22, tzinfo=dt.timezone.utc)
    slot.write_bytes(tombstone(slot.read_bytes(), when, "eve", aborted=rng.choice([False, True])))


def _later(place, uid, path, slot, size, rng) -> None:
    """A record of a later version of radops."""
    raw = slot.read_bytes()
    slot.write_bytes(raw.replace(b"\x61v\x01", b"\x61v\x02"))


def _no_record(place, uid, path, slot, size, rng) -> None:
    slot.write_bytes(rng.choice([b"", b"\xa0", bytes(9 * MIB)]))


ACTS = [
    _flip, _flip, _flip_slot, _flip_slot, _cut, _grow, _drop, _drop, _open_up, _link, _folder,
    _swap, _other_record, _lie, _lie, _no_folder, _mark, _second, _no_edges, _view, _slot_link,
]  # fmt: skip

REMOTE_ACTS = [
    _flip, _flip_slot, _cut, _grow, _drop, _drop, _swap, _other_record, _lie, _lie, _no_folder,
    _mark, _second, _no_edges, _no_slot, _no_slot, _bury, _bury, _later, _no_record,
]  # fmt: skip
