"""What an add of a bucket's prefix has done so far, so that one that was killed can resume.

A file below `lakes/<lake>/folders/` of the home, a line for each file whose bytes are in a finished
pack or object, and one for each such pack or object; and one for each process that wrote to it.
Each line has a checksum: one that was torn by a kill, or damaged, is passed over. The whole file
can be lost: the add then begins again. So a journal that no add continues is removed when it is
old.
"""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

from radops.backends.process import is_gone, is_running, this_process
from radops.errors import LocalStorageError
from radops.format.digest import Digest
from radops.lake.directory.bucket import BucketFile
from radops.repository.objects.disk_errors import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.format.uid import UID
    from radops.lake.session import Session
    from radops.repository.trees.parts import Object

_VERSION = 1
_CHECKSUM = 16

# As for other leftovers of processes of which it is not known whether they run: on another machine
# that shares the home, say.
_UNKNOWN_SECONDS = 7 * 24 * 3600.0


class BucketJournal:
    """The journal of adding one prefix under one name.

    Args:
        session: The lake.
        url: The prefix, without secrets.
        uid: The name.
    """

    def __init__(self, session: Session, url: str, uid: UID) -> None:
        name = Digest.of(f"{_VERSION}\0{url}\0{uid}".encode())
        self._session = session
        self._key = f"{session.lake.local.prefix}folders/{name}.bucket"
        self._path = session.storage.path(self._key)
        self.digests: dict[BucketFile, Digest] = {}
        """Files that were read, as they were."""
        self.packs: dict[Object, list[Object]] = {}
        """Packs, each with its files in their order."""
        self.objects: set[Object] = set()
        """Large files."""
        self._signed = False
        for line in _lines(self._path):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._enter(line)

    def _enter(self, line: dict[str, Any]) -> None:
        if "process" in line:
            return
        if "path" in line:
            file = BucketFile(line["path"], line["size"], line["modified"], line["tag"])
            if file.tag:
                self.digests[file] = Digest.from_hex(line["digest"])
            return
        object_ = Digest.from_hex(line["digest"]), int(line["size"])
        if "files" in line:
            self.packs[object_] = [(Digest.from_hex(one), size) for one, size in line["files"]]
        else:
            self.objects.add(object_)

    def note(
        self,
        finished: Object | None,
        contents: Sequence[Object] | None,
        files: Sequence[tuple[BucketFile, Digest]],
    ) -> None:
        """Note that a pack or a large file is safe, and files whose bytes are in it or an earlier.

        Args:
            finished: The pack or large file; None for neither.
            contents: The files in the pack, in their order; None for a large file.
            files: The files of the bucket.
        """
        lines: list[dict[str, Any]] = [] if self._signed else [{"process": this_process()}]
        self._signed = True
        if finished is not None:
            line: dict[str, Any] = {"digest": str(finished[0]), "size": finished[1]}
            if contents is not None:
                line["files"] = [(str(digest), size) for digest, size in contents]
            lines.append(line)
        lines += [{**file._asdict(), "digest": str(digest)} for file, digest in files]
        with disk_errors(self._path):
            self._session.storage.make_folder(self._path.parent)
            with self._path.open("a", encoding="utf-8") as journal:
                # The last line may be torn: it must not spoil the next one.
                journal.writelines(["\n", *map(_encode, lines)])

    def drop(self) -> None:
        """Remove it: the directory is committed."""
        with contextlib.suppress(LocalStorageError):
            self._session.storage.delete([self._key])


def clear_abandoned(
    root: Path, prefixes: Iterable[str], grace: float, *, dry_run: bool
) -> list[int]:
    """Remove the journals of abandoned adds; return the size of each.

    Those that were not written to for a grace, and whose processes do not run.

    Args:
        root: Local storage.
        prefixes: What the keys of each lake there begin with.
        grace: In seconds. What such an add has stored is not collected sooner either.
        dry_run: Remove none.
    """
    sizes = []
    for prefix in prefixes:
        for path in sorted((root / prefix / "folders").glob("*.bucket")):
            # What is removed meanwhile, or is another user's, is left alone.
            with contextlib.suppress(OSError):
                status = path.lstat()
                if _is_abandoned(path, time.time() - status.st_mtime, grace):
                    if not dry_run:
                        path.unlink()
                    sizes.append(status.st_size)
    return sizes


def _is_abandoned(path: Path, age: float, grace: float) -> bool:
    if age < grace:
        return False
    named = [line.get("process") for line in _lines(path)]
    processes = {one for one in named if isinstance(one, str)}
    if any(map(is_running, processes)):
        return False
    return age > _UNKNOWN_SECONDS or (bool(processes) and all(map(is_gone, processes)))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a journal that are whole; none if it is not there."""
    with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with contextlib.suppress(ValueError, TypeError):
                yield _decode(line)


def _encode(line: dict[str, Any]) -> str:
    text = json.dumps(line, separators=(",", ":"))
    return f"{_checksum(text)} {text}\n"


def _decode(line: str) -> dict[str, Any]:
    checksum, _, text = line.rstrip("\n").partition(" ")
    if checksum != _checksum(text):
        raise ValueError("a line that was torn")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("a line of another kind")
    return found


def _checksum(text: str) -> str:
    return str(Digest.of(text.encode()))[:_CHECKSUM]
