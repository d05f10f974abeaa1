"""Directories that share a pack, and writers that use the pack of a base without holding it."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

from directories import reference as ref
from protocols.actions import NOW, PACK, Make, all_slots, body, digest, id_of
from protocols.collecting import _File
from protocols.homes import ignore
from protocols.world import LAKE
from radops.backends.base import KeyNotFoundError
from radops.backends.memory import MemoryBackend
from radops.errors import CorruptObjectError, LocalStorageError, RadopsError
from radops.format.build import Contents, build_import
from radops.format.digest import Digest
from radops.format.record import FileRecord, Tombstone
from radops.format.uid import UID
from radops.repository import layout
from radops.repository.gc.collect import SAFE_GRACE_SECONDS
from radops.repository.objects.trash import open_object
from radops.repository.publish import publish
from radops.repository.refs.draft import Draft
from radops.repository.refs.slots import Taken
from radops.repository.transfer import in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from protocols.scenario import Outcome
    from protocols.world import Client, Content
    from radops.repository.refs.commit import Outcome as Committed


class Small:
    """A directory with one file, which is in the pack.

    Args:
        path: The file's path: what tells one directory from another.
    """

    def __init__(self, path: str) -> None:
        pack = [digest(PACK).raw, len(body(PACK))]
        data = ref.digest_of(b"a file in the pack")
        root = {
            "kind": "radops/directory", "v": 1, "files": 1, "bytes": 18,
            "entries": [[path, ref.FILE, 18, data]],
        }  # fmt: skip
        self.root = ref.encode(root)
        self.root_digest = Digest.of(self.root)
        places = {
            "kind": "radops/layout", "v": 1, "root": self.root_digest.raw,
            "sources": [pack], "places": [[0, 0]],
        }  # fmt: skip
        self.layout = ref.encode(places)
        self.layout_digest = Digest.of(self.layout)

    @property
    def parts(self) -> dict[Digest, bytes]:
        """Everything but the pack."""
        return {self.root_digest: self.root, self.layout_digest: self.layout}

    def record(self, uid: str, by: str) -> FileRecord:
        return build_import(
            uid=UID(uid),
            digest=self.root_digest,
            size=len(self.root),
            source="folder",
            created_at=NOW,
            originator=by,
            radops_version="0",
            commit_id=id_of(f"{by} {uid}"),
            directory=Contents(self.layout_digest, 1, 18),
        )

    def draft(self, uid: str, by: str, bases: Sequence[Taken] = ()) -> Draft:
        objects = [(digest(PACK), len(body(PACK)))]
        objects += [(one, len(data)) for one, data in self.parts.items()]
        return Draft([self.record(uid, by)], objects, bases=bases)


OLD, NEW = Small("old"), Small("new")
BASE = Taken(UID("old"), 0, OLD.record("old", "old"))


@dataclass(frozen=True)
class MakeOld(Make):
    """Makes the base."""

    def __call__(self, client: Client) -> Committed:
        parts = {**OLD.parts, digest(PACK): body(PACK)}
        client.port().put([(layout.object_key(one), data) for one, data in parts.items()])
        return super().__call__(client)


MAKE_OLD = MakeOld(OLD.draft("old", "old"), ())


class _Absent:
    """The path of an object that is not here."""

    def read_bytes(self) -> bytes:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


class _Home:
    """A writer's own objects: parts of both directories, and the pack once it was fetched."""

    def __init__(self) -> None:
        self.backend = MemoryBackend()
        self.take({**OLD.parts, **NEW.parts})

    def take(self, objects: dict[Digest, bytes]) -> None:
        self.backend.put([(layout.object_key(one), data) for one, data in objects.items()])

    def is_here(self, one: Digest, _size: int) -> bool:
        return self.backend.stat(layout.object_key(one)) is not None

    def locate(self, one: Digest) -> _File | _Absent:
        try:
            with self.backend.open(layout.object_key(one)) as reader:
                return _File(reader.read())
        except KeyNotFoundError:
            return _Absent()


def _fetch(
    home: _Home,
    source: object,
    objects: Sequence[tuple[Digest, int]],
    _count: Callable[[int, int], None],
) -> None:
    for one, _ in objects:
        with open_object(source, one) as reader:
            data = reader.read()
        assert Digest.of(data) == one
        home.take({one: data})


@dataclass(frozen=True)
class PublishNew(Make):
    """Publishes a directory whose pack is only in the remote, where the base keeps it."""

    late: bool = False

    def __call__(self, client: Client) -> Committed:
        client.begin()
        promise = contextlib.nullcontext() if self.late else client.prompt(SAFE_GRACE_SECONDS)
        repository = client.repository
        with promise, mock.patch.object(in_place, "fetch", _fetch):
            states = repository.states([record.uid for record in self.draft.records], {})
            (result,), _ = publish(
                _Home(), repository, [self.draft], self.draft.objects, states, ignore
            )
        if isinstance(result, RadopsError):
            raise result
        return result

    def judge(self, content: Content, outcome: Outcome, *, alone: bool = False) -> None:
        error = getattr(outcome, "error", None)
        if isinstance(error, (CorruptObjectError, LocalStorageError)):
            # The pack went with the base: then the base was deleted, and nothing is named that is
            # not there, unless by a writer that was killed before it looked again.
            held = {one.key: one.content for one in all_slots(content)}
            assert isinstance(held["refs/old.radops"], Tombstone), "the base keeps the pack"
            if not alone and isinstance(held.get("refs/new.radops"), FileRecord):
                places = [key for key in content[LAKE] if key.endswith(digest(PACK).path)]
                assert places, "told of an error, and the name without its pack is there"
            return
        super().judge(content, outcome, alone=alone)


def publish_new(*, late: bool = False) -> PublishNew:
    return PublishNew(NEW.draft("new", "ada", [BASE]), (), late)
