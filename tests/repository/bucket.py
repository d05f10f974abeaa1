"""A lake in memory whose clock can be set, with files that are quick to make."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from radops.backends.memory import MemoryBackend
from radops.format.build import build_call, build_import
from radops.format.call import Call, CallOutput, Code, Environment
from radops.format.digest import Digest
from radops.format.record import FileRecord, tombstone
from radops.format.uid import UID
from radops.repository.gc.collect import collect
from radops.repository.gc.target import Collected, Target
from radops.repository.layout import object_key, outline_key
from radops.repository.objects.trash import open_object
from radops.repository.refs.repository import Repository
from radops.repository.refs.slots import Taken

if TYPE_CHECKING:
    from radops.backends.base import Backend

HOUR = 3600.0
GRACE = 24 * HOUR
THEN = dt.datetime(2026, 11, 22, tzinfo=dt.timezone.utc)


@contextlib.contextmanager
def silent(_label: str):
    yield lambda _bytes, _files: None


class Bucket:
    """A remote repository in memory."""

    def __init__(self) -> None:
        self.time = THEN.timestamp()
        self.store = MemoryBackend(clock=lambda: self.time)
        self.scratch = Path("/nonexistent/gc")

    def repository(self, backend: Backend | None = None) -> Repository:
        return Repository(backend or self.store, originator="ada@example.org")

    def wait(self, seconds: float = GRACE) -> None:
        self.time += seconds

    # -- making --------------------------------------------------------------------------------

    def put(self, text: str, *, outline: bool = False) -> Digest:
        data = text.encode()
        digest = Digest.of(data)
        self.store.put([(object_key(digest), data)])
        if outline:
            self.store.put([(outline_key(digest), b"o" * 64)])
        return digest

    def record(self, uid: str, digest: Digest, number: int = 0, size: int = 0) -> FileRecord:
        return build_import(
            uid=UID(uid),
            digest=digest,
            size=size,
            source="x",
            created_at=THEN,
            originator="ada@example.org",
            radops_version="0.1.0",
            number=number,
        )

    def name(self, uid: str, digest: Digest, number: int = 0) -> FileRecord:
        """Give an object a name, whose slot keeps it."""
        record = self.record(uid, digest, number)
        assert self.repository().slots.create([(UID(uid), number, record.raw)]) == [True]
        return record

    def add(self, uid: str, text: str | None = None) -> Digest:
        digest = self.put(uid if text is None else text)
        self.name(uid, digest)
        return digest

    def bury(self, uid: str, number: int = 0) -> None:
        slots = self.repository().slots
        record = slots.read(UID(uid), number)
        assert isinstance(record, FileRecord)
        slots.replace([(UID(uid), number, tombstone(record.raw, THEN, "ada@example.org"))])

    def call(self, *outputs: tuple[str, Digest]) -> list[FileRecord]:
        """Return the records of a call with these outputs, none of them in its slot yet."""
        call = Call(
            key=Digest.of(b"key"),
            module="m",
            name="f",
            package_version=None,
            version=None,
            params={},
            inputs=(),
            reads=(),
            outputs=tuple(CallOutput(UID(uid), digest, 0, None) for uid, digest in outputs),
            code=Code(fingerprint=None, source=None, run_as=None, git=None),
            environment=Environment(python="3", platform="x", distributions={}),
            started_at="2026-11-22T12:21:03.000456Z",
            seconds=1.0,
        )
        return build_call(
            call=call, created_at=THEN, originator="ada@example.org", radops_version="0.1.0"
        )

    # -- collecting ----------------------------------------------------------------------------

    def gc(
        self, backend: Backend | None = None, *, grace: float = GRACE, dry_run: bool = False
    ) -> Collected:
        backend = backend or self.store
        return collect(
            Target(backend, lambda: [self.repository(backend)], pending=False),
            grace=grace,
            dry_run=dry_run,
            scratch=self.scratch,
            stages=silent,
        )

    # -- looking -------------------------------------------------------------------------------

    @property
    def keys(self) -> list[str]:
        return sorted(self.store.snapshot())

    def below(self, prefix: str) -> list[str]:
        return [key for key in self.keys if key.startswith(prefix)]

    def has_object(self, digest: Digest) -> bool:
        return self.store.stat(object_key(digest)) is not None

    def in_trash(self, digest: Digest) -> bool:
        return any(key.endswith(digest.path) for key in self.below("trash/"))

    def check(self) -> None:
        """Everything that a record keeps can be read, by readers that also look in the trash."""
        repository = self.repository()
        for listed in repository.slots.list():
            if listed.size < 0 or listed.gone:
                continue
            state = repository.slots.state(UID(listed.uid))
            if isinstance(state, Taken) and isinstance(state.record, FileRecord):
                for digest in state.record.keeps:
                    with open_object(self.store, digest) as reader:
                        assert Digest.of(reader.read()) == digest
