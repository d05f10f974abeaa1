"""What Rust confirms in bulk is what a look at each file finds good, whatever was done."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from radops import native
from radops.data_lake import DataLake, File, file_creator
from radops.model.build import build_import
from radops.model.record import decode_slot
from radops.model.uid import UID

from .tampering import MIB, flip, kinds, noise, object_of, overwrite, settle, slot_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from radops.data_lake.verify import VerifyReport

SEEDS = range(6)


@file_creator(name="tests.joined")
def joined(files: list[File], output_uid: str | None = None) -> File:
    out = File(output_uid) if output_uid else File()
    out.write_bytes(b"".join(f.read_bytes() for f in files))
    return out


class LeavesAll:
    """A sweep that confirms nothing, so that each file is looked at as if there were none."""

    def __init__(self, store: Path, lake: Path, prefix: str, *, threads: int = 0) -> None:
        self._objects = store / "objects"
        self._refs = lake / "refs"
        self._prefix = prefix
        self._batches = {self._refs, self._objects}

    def _once(self, folder: Path) -> list[tuple[str, bool]] | None:
        if folder not in self._batches:
            return None
        self._batches.remove(folder)
        found = ((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*"))
        return [
            (key, path.is_file() and not path.is_symlink())
            for key, path in found
            if path.is_symlink() or not path.is_dir()
        ]

    def read(self, most: int) -> tuple[list[str], list[tuple[str, bool]]] | None:
        found = self._once(self._refs)
        return None if found is None else ([], [e for e in found if e[0].startswith(self._prefix)])

    def strangers(self, most: int) -> list[tuple[str, bool]] | None:
        return self._once(self._objects)

    def sort(self) -> int:
        return 0

    def totals(self) -> tuple[int, int, int]:
        return 0, 0, 0

    def left(self) -> int:
        return 0

    def leave(self, digests: object) -> None:
        pass


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


def damage(lake: DataLake, uids: list[str], rng: random.Random, write: Callable[..., Path]) -> None:
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


def told(report: VerifyReport, lake: DataLake) -> tuple[object, ...]:
    """All that a report says, but for where the home is."""
    place = [str(lake.home), lake.lake_id]

    def plain(text: str | None) -> str | None:
        for part in place:
            text = text and text.replace(part, "")
        return text

    found = [
        (
            f.kind,
            plain(f.message),
            f.hint,
            f.uids,
            f.digest,
            plain(f.path),
            f.ranges,
            f.edge,
            f.size,
        )
        for f in report.findings
    ]
    numbers = report.files, report.objects, report.bytes, report.trusted, report.not_local
    return numbers, found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("where", ["alone", "remote"])
def test_findings_are_the_same(
    make_lake, write, tmp_path, seed: int, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = []
    for sweeps in (False, True):
        name = "swept" if sweeps else "looked"
        options = {}
        if where == "remote":
            folder = tmp_path / f"remote-{name}"
            folder.mkdir()
            options["remote"] = folder.as_uri()
        lake = make_lake(name, **options)
        uids = fill(lake, write)
        settle()
        with monkeypatch.context() as patch:
            if not sweeps:
                patch.setattr(native, "Sweep", LeavesAll)
            before = [lake.verify(), lake.verify(quick=True), lake.verify("set/")]
            if where == "remote":
                lake.delete_local("set/07.txt", "made/one", "large")
            rng = random.Random(seed)
            damage(lake, uids, rng, write)
            after = [
                lake.verify(quick=True),
                lake.verify("set/"),
                lake.verify(),
                lake.verify(quick=True),
            ]
            if where == "remote":
                after.append(lake.verify(complete=True))
        assert [kinds(report) for report in before] == [[], [], []]
        reports.append([told(report, lake) for report in (*before, *after)])
    looked, swept = reports
    for one, other in zip(looked, swept, strict=True):
        assert other == one
