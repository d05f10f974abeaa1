"""Folders that are added to lakes as directories, and read again on other machines."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from format.samples import NOW, make_call
from radops.format.build import build_call
from radops.format.call import CallOutput, Code
from radops.format.record import FileRecord
from radops.format.uid import UID
from radops.lake.directory.add import AddedDirectory, DirectoryOptions, add_directory
from radops.lake.directory.opened import open_tree
from radops.repository.progress import ignore
from radops.repository.refs.commit import Outcome
from radops.repository.refs.draft import Draft
from radops.repository.trees.intake import scan_folder, take_in

if TYPE_CHECKING:
    from pathlib import Path

    from radops.data_lake import DataLake
    from radops.repository.trees.tree import Tree

LARGE = 4 * 1024 * 1024 + 1
"""Bytes of a file that is an object of its own."""


def fill(folder: Path, files: dict[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def many(count: int, *, size: int = 2000, seed: int = 0) -> dict[str, bytes]:
    """Return files with different bytes in several folders."""
    source = random.Random(seed)
    return {f"f{n % 7}/{n:06}.bin": source.randbytes(size) for n in range(count)}


def content(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def add(lake: DataLake, folder: Path, uid: str, **options: object) -> AddedDirectory:
    """Add a folder as one directory."""
    return add_directory(lake.session, folder, UID(uid), DirectoryOptions(**options), None)


def commit_call(lake: DataLake, folder: Path, data: bytes, uids: list[str]) -> list[FileRecord]:
    """Commit one call whose first output is a file, and all others are the directory `folder`."""
    working = lake.session.prepare_write()
    store = working.store
    file = store.stage_bytes(data)
    store.admit([file])
    with store.staging():
        taken = take_in(store, folder, scan_folder(folder))
    first, *rest = map(UID, uids)
    outputs = (
        CallOutput(first, file.digest, file.size, 0),
        *(taken.output(uid, number) for number, uid in enumerate(rest, 1)),
    )
    code = Code(fingerprint=None, source=None, run_as=None, git=None)
    call = make_call(inputs=(), outputs=outputs, code=code)
    records = build_call(call=call, created_at=NOW, originator="ada", radops_version="0.1.0")
    objects = [(file.digest, file.size), *taken.objects]
    states = working.write_states([record.uid for record in records])
    (outcome,), _ = working.make([Draft(records, objects, call.key)], states, ignore)
    assert isinstance(outcome, Outcome)
    return [one.record for one in outcome.taken if isinstance(one.record, FileRecord)]


def record_of(lake: DataLake, uid: str) -> FileRecord:
    """Return the record of a directory."""
    record = lake.session.lake.find(UID(uid), refresh=True)
    assert record is not None
    assert record.type == "directory"
    return record


def tree_of(lake: DataLake, uid: str) -> Tree:
    """Open a directory."""
    return open_tree(lake.session.lake, record_of(lake, uid))
