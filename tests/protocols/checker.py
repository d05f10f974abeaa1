"""One checker of what a lake must look like, at every instant and after every accident.

It reads a backend's content and nothing else, and holds it against the invariants of the
design. It judges by its own reading of `docs/format.md`, except where the question is what a
reader would see: then it asks the reader's own rule, `Slots.state`.

    check(Repository(backend, originator="checker")).raise_for_findings()

Safe to run on any repository, local or remote, that is not written to meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from radops.errors import RadopsError
from radops.format.build import sibling
from radops.format.digest import Digest
from radops.format.edge import decode_edge
from radops.format.record import FileRecord, FolderRecord, Tombstone, decode_slot
from radops.format.uid import UID, folders_of, is_reserved, parse_slot_key, slot_key
from radops.repository import layout
from radops.repository.refs.repository import Repository
from radops.repository.refs.slots import Free, Taken, Unfinished
from radops.repository.trees.parts import known_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from radops.format.call import Call

ROOTS = ("objects/", "outlines/", "leases/", "trash/")
"""What lies beside the lake's own slots and edges."""
HOME = (
    "lakes/", "tmp/", "quarantine/", "cache/", "files/", "contexts/", "catalog.sqlite", "search-",
    "radops.cbor",
)  # fmt: skip
"""What else a home holds."""
OWN = (
    "refs/", "edges/", "notes/", "pending/",
    "files/", "calls/", "deleting/", "folders/", "verified/",
)  # fmt: skip
"""What a lake has below its prefix; from `files/` on in a home only."""


class Finding(NamedTuple):
    """One thing that must not be."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass
class Report:
    """What was looked at, and what is wrong."""

    url: str
    slots: int = 0
    files: int = 0
    intents: int = 0
    tombstones: int = 0
    objects: int = 0
    edges: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, where: str, what: str) -> None:
        self.findings.append(Finding(where, what))

    def __str__(self) -> str:
        head = (
            f"{self.url}: {self.slots} slots ({self.files} files, {self.intents} intents,"
            f" {self.tombstones} tombstones), {self.objects} objects, {self.edges} edges"
        )
        return "\n".join([head, *(f"  - {finding}" for finding in self.findings)])

    def raise_for_findings(self) -> None:
        """Raise `AssertionError` with the whole report if anything is wrong."""
        if self.findings:
            raise AssertionError(f"{len(self.findings)} invariants are broken\n{self}")


class Held(NamedTuple):
    """One slot and what is in it."""

    uid: UID
    number: int
    content: FileRecord | FolderRecord | Tombstone

    @property
    def key(self) -> str:
        return slot_key(self.uid, self.number)

    @property
    def record(self) -> FileRecord | None:
        """The record of the file of this name, or of the one that was deleted here."""
        if isinstance(self.content, Tombstone):
            return self.content.inner()
        return self.content if isinstance(self.content, FileRecord) else None

    @property
    def aborted(self) -> bool:
        return isinstance(self.content, Tombstone) and self.content.aborted


def check(repository: Repository, *, cache: bool = False) -> Report:
    """Look at all of a repository.

    Args:
        repository: Which; its memory of commits and folders is not used.
        cache: It is a home in front of a remote: bytes, edges, and siblings that nobody asked
            for here may be missing, and what was not published yet may name inputs by records
            that they had before.
    """
    return _Checker(repository, cache=cache).run()


def slots_of(repository: Repository) -> Iterator[Held]:
    """Yield every slot that decodes, in no order."""
    for listed in repository.slots.list():
        if listed.size >= 0 and not listed.gone:
            uid = UID(listed.uid)
            content = repository.slots.read(uid, listed.number)
            if content is not None:
                yield Held(uid, listed.number, content)


class _Checker:
    def __init__(self, repository: Repository, *, cache: bool) -> None:
        # A fresh one: what the other remembers must not hide what is stored.
        self.repository = Repository(
            repository.backend, repository.prefix, originator=repository.originator
        )
        self.backend = repository.backend
        self.prefix = repository.prefix
        self.cache = cache
        self.report = Report(repository.backend.url + "/" + repository.prefix)
        self.uids: dict[UID, dict[int, Held]] = {}
        self.edges: dict[str, bytes] = {}
        self.trash: dict[str, str] = {}
        self._proven: dict[Digest, bool] = {}

    def run(self) -> Report:
        self._read_keys()
        for uid, slots in self.uids.items():
            self._chain(uid, slots)
        for slots in self.uids.values():
            for held in slots.values():
                if held.record is not None:
                    self._file(held, held.record)
        self._folders()
        self._edge_bodies()
        return self.report

    # -- keys --------------------------------------------------------------------------------

    def _read_keys(self) -> None:
        gone: list[str] = []
        known = ROOTS + ((*HOME, *ROOTS) if self.prefix else (layout.MARKER,))
        for entry in self.backend.list(""):
            inside = entry.key.startswith(self.prefix)
            key = entry.key[len(self.prefix) :] if inside else entry.key
            if inside and key.startswith(layout.REFS):
                self._slot(key, gone)
            elif inside and key.startswith(layout.EDGES):
                self.edges[key] = self._get(entry.key)
                self.report.edges += 1
            elif inside and key.startswith(layout.TRASH):
                self.trash[key.split("/", 2)[2]] = entry.key
            elif not entry.key.startswith(known) and not (inside and key.startswith(OWN)):
                self.report.add(entry.key, "a key that no part of the layout explains")
        for key in gone:
            name = parse_slot_key(key)
            held = self.uids.get(name.uid, {}).get(name.number) if name else None
            if held is None and self.cache:
                continue  # absent for a moment, while it is replaced: the mark hides nothing
            if held is None or not isinstance(held.content, Tombstone):
                self.report.add(key, "says that a slot is gone which holds no tombstone")

    def _slot(self, key: str, gone: list[str]) -> None:
        name = parse_slot_key(key)
        if name is None:
            self.report.add(key, "below refs/, but no slot's key")
            return
        raw = self._get(self.prefix + key)
        if name.gone:
            gone.append(key)
            if raw:
                self.report.add(key, "a `-gone` key that is not empty")
            return
        self.report.slots += 1
        try:
            content = decode_slot(raw, name.uid)
        except RadopsError as error:
            self.report.add(key, f"does not decode: {error}")
            return
        self.uids.setdefault(name.uid, {})[name.number] = Held(name.uid, name.number, content)

    def _get(self, key: str) -> bytes:
        with self.backend.open(key) as reader:
            return reader.read()

    # -- one name ----------------------------------------------------------------------------

    def _chain(self, uid: UID, slots: dict[int, Held]) -> None:
        """Slots are used in order: each but the last holds a tombstone."""
        last = max(slots)
        for number in range(last):
            held = slots.get(number)
            if held is None:
                # In a cache a slot is absent for a moment while it is replaced; readers go on.
                if not self.cache:
                    self.report.add(slot_key(uid, number), f"absent, but slot {last} is in use")
            elif not isinstance(held.content, Tombstone):
                self.report.add(held.key, f"holds no tombstone, but slot {last} is in use")
        commits = [held.record.commit.id for held in slots.values() if held.record]
        if len(commits) != len(set(commits)):
            self.report.add(uid, "one commit is in two of its slots: a deleted file came back")
        for held in slots.values():
            self.report.tombstones += isinstance(held.content, Tombstone)
        # A read must give the same answer as a listing.
        state = self.repository.slots.state(uid)
        self.report.files += isinstance(state, Taken) and isinstance(state.record, FileRecord)
        self.report.intents += isinstance(state, Unfinished)
        expected = last + 1 if isinstance(slots[last].content, Tombstone) else last
        if state.number != expected or isinstance(state, Free) != (expected == last + 1):
            self.report.add(uid, f"a reader finds {state}, not slot {expected}")

    # -- one file ----------------------------------------------------------------------------

    def _file(self, held: Held, record: FileRecord) -> None:
        call = self._call(held, record)
        happened = self._happened(held, record)
        if held.aborted and happened:
            self.report.add(held.key, "marked as aborted, but its commit has happened")
        if isinstance(held.content, Tombstone) and not held.aborted and not happened:
            self.report.add(held.key, "a tombstone of a file that never was, not marked as such")
        if isinstance(held.content, FileRecord) and not self._is_dead(record):
            # Intents too: a client that is blocked by one may finish it, and has no bytes to send.
            self._bytes(held, record)
        if happened and call is not None and not self.cache:
            self._siblings(held, record, call)
            self._lineage(held, record, call)
        if call is not None and isinstance(held.content, FileRecord):
            self._has_edges(held, call)

    def _call(self, held: Held, record: FileRecord) -> Call | None:
        try:
            return self.repository.call_of(record)
        except RadopsError as error:
            if isinstance(held.content, FileRecord) and not self.cache:
                self.report.add(held.key, f"its call cannot be read: {error}")
            return None

    def _happened(self, held: Held, record: FileRecord) -> bool:
        if held.key == record.commit.primary:
            return not held.aborted
        primary = self._at(record.commit.primary)
        inner = None if primary is None else primary.record
        if self.cache and primary is None:
            return not held.aborted
        return (
            primary is not None
            and inner is not None
            and not primary.aborted
            and inner.commit.id == record.commit.id
        )

    def _at(self, key: str) -> Held | None:
        name = parse_slot_key(key)
        return None if name is None else self.uids.get(name.uid, {}).get(name.number)

    def _is_dead(self, record: FileRecord) -> bool:
        """Say whether the record's commit can never happen: the primary slot holds another."""
        primary = self._at(record.commit.primary)
        if primary is None:
            return False
        inner = primary.record
        return primary.aborted or inner is None or inner.commit.id != record.commit.id

    def _bytes(self, held: Held, record: FileRecord) -> None:
        for digest in self._kept(record):
            if digest not in self._proven:
                self._proven[digest] = self._prove(digest)
            if not self._proven[digest]:
                self.report.add(held.key, f"names {digest}, which is not there whole")
        if self._proven.get(record.digest):
            entry = self.backend.stat(layout.object_key(record.digest))
            if entry is not None and entry.size != record.size:
                self.report.add(held.key, f"says {record.size} bytes, but its object has others")

    def _kept(self, record: FileRecord) -> set[Digest]:
        """Return what a record keeps: by itself, and by the call that its siblings share."""
        kept = set(record.keeps)
        if record.has_shared_call and record.call_object is not None:
            try:
                call = self.repository.call_of(record)
            except RadopsError:
                return kept  # found as an object that is not there whole
            kept |= {output.digest for output in call.outputs}
        for pair in record.directories:
            try:
                sources, structure = known_objects(self.backend, *pair)
            except RadopsError:
                continue  # found as an object that is not there whole
            kept.update(digest for digest, _ in (*sources, *structure))
        return kept

    def _prove(self, digest: Digest) -> bool:
        key = layout.object_key(digest)
        if self.backend.stat(key) is None:
            # On its way out, and back: readers look there too.
            key = self.trash.get(digest.path, "")
            if not key:
                return self.cache
        self.report.objects += 1
        return Digest.of(self._get(key)) == digest

    def _siblings(self, held: Held, record: FileRecord, call: Call) -> None:
        """All outputs of a commit are there, or were and are deleted; none is missing.

        The first output may have been committed alone, beside others that were there already.
        """
        alone = held.key == record.commit.primary and record.uid != call.outputs[0].uid
        if alone:
            return
        for output in call.outputs:
            twin = sibling(record, output).raw
            around = self.uids.get(output.uid, {}).values()
            if any(one.record and one.record.raw == twin and not one.aborted for one in around):
                continue
            first = held.key == record.commit.primary
            if first and any(self._is_equal(one, output.digest, call) for one in around):
                continue
            self.report.add(held.key, f"visible, but {output.uid}, made by the same call, is not")

    def _is_equal(self, held: Held, digest: Digest, call: Call) -> bool:
        record = held.record
        if record is None or record.digest != digest or not self._happened(held, record):
            return False
        made = self._call(held, record)
        return made is not None and made.key == call.key

    def _lineage(self, held: Held, record: FileRecord, call: Call) -> None:
        for one in (*call.inputs, *call.reads):
            around = [h.record for h in self.uids.get(one.uid, {}).values() if not h.aborted]
            named = [r for r in around if r is not None and r.record_digest == one.record]
            if not named:
                what = f"was made from a record of {one.uid} that was never in the lake"
                self.report.add(held.key, what)
            elif any(r.digest != one.digest for r in named):
                self.report.add(held.key, f"names other bytes of {one.uid} than its record")

    def _has_edges(self, held: Held, call: Call) -> None:
        for one in (*call.inputs, *call.reads):
            record = held.record
            shared = record is not None and record.has_shared_call
            output = record.commit.primary_uid if shared else held.uid
            if layout.edge_key(one.uid, output) not in self.edges and not self.cache:
                self.report.add(held.key, f"made from {one.uid}, but no edge says so")

    # -- all names ---------------------------------------------------------------------------

    def _folders(self) -> None:
        standing = {
            uid: slots[max(slots)]
            for uid, slots in self.uids.items()
            if not isinstance(slots[max(slots)].content, Tombstone)
        }
        for uid, held in standing.items():
            if isinstance(held.content, FolderRecord) or is_reserved(uid):
                continue
            for folder in folders_of(uid):
                above = standing.get(folder)
                if above is not None and isinstance(above.content, FileRecord):
                    self.report.add(held.key, f"{folder} is a file and a folder at once")
                elif above is None and not self.cache:
                    self.report.add(held.key, f"its folder {folder} has no record")

    def _edge_bodies(self) -> None:
        for key, raw in self.edges.items():
            output = UID(key.split("/", 2)[2].removesuffix(".radops"))
            try:
                decode_edge(raw, output)
            except RadopsError as error:
                self.report.add(key, f"not an edge: {error}")
