"""Adding a prefix of a bucket as one directory, streamed.

Files are read in the order of their paths, many at once, and packed as a folder's are. With a
remote, each pack and each large file is sent as soon as it is whole, and not kept here: this
machine holds what is on its way, and no more. Without one, they stay in the home.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from radops import native
from radops.backends.base import KeyNotFoundError
from radops.errors import LocalStorageError, UsageError
from radops.format.digest import Digest
from radops.format.record import FileRecord
from radops.lake.add_items import check_writable, other_bytes
from radops.lake.directory.add import AddedDirectory, check_kind, commit_directory
from radops.lake.directory.bucket import BucketFile, BucketPrefix
from radops.lake.directory.bucket_journal import BucketJournal
from radops.lake.directory.existing import lost_parts
from radops.lake.progress import stage, stage_if_slow
from radops.lake.sources import recorded_source, split_s3
from radops.repository import layout
from radops.repository.objects.disk_errors import disk_errors
from radops.repository.objects.staging import work_on
from radops.repository.objects.store import Staged
from radops.repository.progress import ignore
from radops.repository.refs.slots import Taken
from radops.repository.transfer.upload import send
from radops.repository.trees.entries import MAX_PACKED
from radops.repository.trees.intake import TakenIn, stem
from radops.repository.workers import ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from radops.format.uid import UID
    from radops.lake.directory.add import DirectoryOptions
    from radops.lake.directory.bucket import Plan
    from radops.lake.reports import Progress
    from radops.lake.session import Session
    from radops.repository.progress import Count
    from radops.repository.refs.slots import State
    from radops.repository.trees.parts import Object

# Small files of one batch, of which one is read while another is packed.
_BATCH_FILES = 512
_BATCH_BYTES = 16 << 20

_CHUNK = 1 << 20

# A pack of an earlier try is used if at least one byte in so many is still needed, as that of an
# earlier directory is.
_MOST_WASTE = 4

_RawStaged: TypeAlias = tuple[str, bytes, int, bytes]


def add_bucket(
    session: Session, url: str, uid: UID, options: DirectoryOptions, progress: Progress | None
) -> AddedDirectory:
    """Add a prefix of a bucket as one directory.

    An interrupted add resumes when it is run again.

    Args:
        session: The lake.
        url: `s3://bucket/prefix/`.
        uid: The name of the directory.
        options: How; those that are about folders cannot be used.
        progress: Shows how far it is.

    Raises:
        FolderRefusedError: There are keys that a directory cannot hold, or files changed meanwhile.
        UIDConflictError: The name is in use for something else.
        RemoteRefusedError: The server refuses, or nothing is below the prefix.
        RemoteUnavailableError: The server or the remote became unreachable.
    """
    check_writable(uid)
    _check_options(options)
    with contextlib.closing(BucketPrefix(url, session.settings.options)) as source:
        with stage_if_slow(progress, "looking at files") as count:
            plan = source.plan(source.entries(), options.exclude, no_ignore=options.no_ignore)
            count(0, len(plan.files))
        totals = AddedDirectory(
            uid, len(plan.order), len(plan.files), plan.bytes, plan.left_out, plan.rules
        )
        if options.dry_run:
            return totals
        lake = session.prepare_write()
        state = lake.write_states([uid])[uid]
        check_kind(uid, state)
        journal = BucketJournal(session, _identity(session, url), uid)
        keep = _is_wanted(session, state)
        with session.store.staging():
            adding = _Adding(session, source, plan, journal, keep=keep)
            with stage(progress, "adding", plan.bytes, len(plan.files)) as count:
                adding.run(count)
            source.check_unchanged(plan, options.exclude, no_ignore=options.no_ignore)
            taken = adding.finish()
            known = state.record if isinstance(state, Taken) else None
            if isinstance(known, FileRecord) and known.digest != taken.root:
                raise other_bytes(uid)
            record, sent, already_there = commit_directory(
                session, recorded_source(url), uid, state, taken, (), progress, keep=False
            )
        journal.drop()
    return totals._replace(
        digest=record.digest,
        size=record.size,
        read=taken.read,
        sent=sent + adding.sent,
        already_there=already_there,
        restored=already_there and keep and isinstance(state, Taken),
    )


def _check_options(options: DirectoryOptions) -> None:
    given = {
        "move": options.move,
        "base": bool(options.base),
        "follow-links": options.follow_links,
        "executables": options.executables,
        "checksum": options.checksum,
        "update": options.update,
    }
    for name, value in given.items():
        if value:
            raise UsageError(f"--{name} is about folders of this machine, not about buckets")


def _identity(session: Session, url: str) -> str:
    """Return what identifies a prefix: the same URL can be at two servers."""
    server = session.settings.options.endpoint_url or ""
    where = split_s3(url)
    return f"{server} {where.bucket_url} {where.key}"


def _is_wanted(session: Session, state: State) -> bool:
    """Return whether packs are to be stored: not if the name has this directory, whole."""
    if not isinstance(state, Taken) or not isinstance(state.record, FileRecord):
        return True
    return bool(lost_parts(session, state, state.record))


class _Files:
    """Files that were just hashed, for sending them from where they are."""

    def __init__(self, staged: Sequence[Staged]) -> None:
        self._staged = {one.digest: one for one in staged}

    def locate(self, digest: Digest, /) -> Path:
        return self._staged[digest].path

    def outline(self, digest: Digest, _size: int, /) -> bytes | None:
        return self._staged[digest].outline

    def has(self, digest: Digest, size: int, /) -> bool:
        found = self._staged.get(digest)
        return found is not None and found.size == size


class _Adding:
    """Reads the files of a prefix and stores what they become."""

    def __init__(
        self,
        session: Session,
        source: BucketPrefix,
        plan: Plan,
        journal: BucketJournal,
        *,
        keep: bool,
    ) -> None:
        self._session = session
        self._store = session.store
        remote = session.lake.remote
        self._remote = None if remote is None else remote.backend
        self._source = source
        self._plan = plan
        self._journal = journal
        self._keep = keep
        self._waiting: list[tuple[BucketFile, Digest]] = []
        self._large: set[Object] = set()
        self._read = 0
        self.sent = 0
        """Bytes sent to the remote."""
        known = {file for file in plan.files if file in journal.digests} if keep else set()
        packs, self._safe = self._usable({journal.digests[file] for file in known})
        self._known = known
        self._stream = native.TreeStream(
            stem(self._store),
            [((d.raw, s), [(one.raw, n) for one, n in files]) for (d, s), files in packs],
        )

    def _usable(self, live: set[Digest]) -> tuple[list[tuple[Object, list[Object]]], set[Object]]:
        """Return packs of an earlier try that are good to use, and large files that are safe."""
        journal = self._journal
        wanted = [
            (pack, files)
            for pack, files in journal.packs.items()
            if _MOST_WASTE * sum(size for digest, size in files if digest in live)
            >= sum(size for _, size in files)
        ]
        objects = [*(pack for pack, _ in wanted), *journal.objects]
        safe = {one for one in objects if self._store.is_verified(*one)}
        if self._remote is not None:
            rest = [one for one in objects if one not in safe]
            found = self._remote.stats([layout.object_key(digest) for digest, _ in rest])
            safe |= {
                one
                for one, entry in zip(rest, found, strict=True)
                if entry is not None and entry.size == one[1]
            }
        return [(pack, files) for pack, files in wanted if pack in safe], safe

    def run(self, count: Count) -> None:
        """Read everything, and store it."""
        batches = list(self._batches())
        reading = ahead(self._read_batch, batches, stop=lambda: None, discard=lambda _data: None)
        with contextlib.closing(reading):
            for batch, data in zip(batches, reading, strict=True):
                self._add_batch(batch, data, count)
        self._finished(self._stream.close())

    def _batches(self) -> Iterator[list[BucketFile | str]]:
        """Yield entries in their order, so many that their bytes can be in memory."""
        batch: list[BucketFile | str] = []
        size = 0
        for one in self._plan.order:
            batch.append(one)
            if isinstance(one, BucketFile) and self._is_read_ahead(one):
                size += one.size
            if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _is_read_ahead(self, file: BucketFile) -> bool:
        return 0 < file.size <= MAX_PACKED and file not in self._known

    def _read_batch(self, batch: Sequence[BucketFile | str]) -> dict[str, bytes]:
        """Read the small files of a batch that are not known, all at once."""
        files = [one for one in batch if isinstance(one, BucketFile) and self._is_read_ahead(one)]
        data = self._source.read(files)
        return {file.path: body for file, body in zip(files, data, strict=True)}

    def _add_batch(
        self, batch: Sequence[BucketFile | str], data: dict[str, bytes], count: Count
    ) -> None:
        for one in batch:
            if isinstance(one, str):
                self._stream.push_folder(one)
                continue
            known = self._journal.digests[one] if one in self._known else None
            if known is not None and self._add_known(one, known):
                count(one.size, 1)
            elif one.size > MAX_PACKED:
                self._add_large(one, count)
            else:
                body: bytes | None = data.get(one.path)
                if body is None:
                    body = self._source.read([one])[0] if one.size else b""
                self._add_small(one, body)
                count(one.size, 1)

    def _add_known(self, file: BucketFile, digest: Digest) -> bool:
        """Add a file that an earlier try read, unless its bytes are lost."""
        whole = (digest, file.size)
        if file.size > MAX_PACKED:
            if whole not in self._safe:
                return False
            self._large.add(whole)
        return self._stream.push_known(file.path, (digest.raw, file.size))

    def _add_small(self, file: BucketFile, data: bytes) -> None:
        raw, before, after = self._stream.push(file.path, data)
        self._read += 1
        self._finished(before)
        self._waiting.append((file, Digest(raw)))
        self._finished(after)

    def _add_large(self, file: BucketFile, count: Count) -> None:
        target = self._store.temporary()
        done = 0
        try:
            with self._source.open(file) as reader, disk_errors(target), target.open("xb") as out:
                while data := reader.read(_CHUNK):
                    done += len(data)
                    if done > file.size:
                        break
                    out.write(data)
                    count(len(data), 0)
        except KeyNotFoundError:
            raise self._source.changed([file.path]) from None
        if done != file.size:
            raise self._source.changed([file.path])
        staged = self._store.stage_written(target)
        self._read += 1
        whole = (staged.digest, staged.size)
        self._save(staged)
        self._journal_if_kept(whole, None, [(file, staged.digest)])
        self._large.add(whole)
        self._stream.push_known(file.path, (staged.digest.raw, staged.size))
        count(0, 1)

    def _finished(self, pack: _RawStaged | None) -> None:
        """Store a pack that is full, and note the files that are safe with it."""
        if pack is None:
            return
        staged = _staged(pack)
        if (work := work_on(self._store)) is not None:
            work.expect([staged.path])
        with disk_errors(staged.path):
            contents = native.decode_pack(staged.path.read_bytes())
        self._save(staged)
        files, self._waiting = self._waiting, []
        self._journal_if_kept(
            (staged.digest, staged.size),
            [(Digest(digest), size) for digest, size in contents],
            files,
        )

    def _journal_if_kept(
        self,
        finished: Object,
        contents: Sequence[Object] | None,
        files: Sequence[tuple[BucketFile, Digest]],
    ) -> None:
        if self._keep:
            self._journal.note(finished, contents, files)

    def _save(self, staged: Staged) -> None:
        """Send a finished file to the remote, or keep it where there is none."""
        if self._keep and self._remote is None:
            self._store.admit([staged])
            return
        if self._keep and self._remote is not None:
            whole = [(staged.digest, staged.size)]
            self.sent += send(_Files([staged]), self._remote, whole, ignore)
            self._remote.flush()
        self._store.discard([staged])

    def finish(self) -> TakenIn:
        """Make pages, root and layout, and return the directory."""
        try:
            root, parts, totals, raw, packs = self._stream.finish()
        except native.TreeFormatError as error:
            raise UsageError(f"{self._source.shown}: {error}") from None
        except OSError as error:
            raise LocalStorageError(f"{self._store.root}: {error.strerror or error}") from error
        staged = [_staged(one) for one in raw]
        if (work := work_on(self._store)) is not None:
            work.expect(one.path for one in staged)
        if self._keep:
            self._store.admit(staged)
        else:
            self._store.discard(staged)
        entries, files, size = totals
        return TakenIn(
            Digest(root[0]),
            root[1],
            Digest(parts[0]),
            files,
            size,
            entries,
            [
                *((Digest(digest), size) for digest, size in packs),
                *sorted(self._large),
                *((one.digest, one.size) for one in staged),
            ],
            b"",
            self._read,
        )


def _staged(raw: _RawStaged) -> Staged:
    path, digest, size, outline = raw
    return Staged(Path(path), Digest(digest), size, outline)
