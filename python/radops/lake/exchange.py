"""The folder in which the processes of one running creator meet.

It lies in `tmp/` of the home, and exists from the time when the first child process can use it
until the creator has ended. It holds

- `run.json`: the function's name, its key and the UIDs that it may make,
- `<hash of UID>.claim`: a process writes that output,
- `<hash of UID>.bytes` and then `<hash of UID>.json`, with the UID: it was written whole,
- `<record digest>.read`: the record of a lake file that was read.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from typing import TYPE_CHECKING

from radops.errors import CreatorError
from radops.format.digest import Digest
from radops.format.record import FileRecord, decode_slot
from radops.format.uid import UID, parse_uid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_RUN = "run.json"


class Exchange:
    """What the processes of one running creator pass to each other.

    Args:
        folder: Where; need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def is_open(self) -> bool:
        """Whether child processes can use it: the creator has started some and has not ended."""
        return (self.folder / _RUN).exists()

    def open(
        self, function: str, key: Digest, allowed: Sequence[UID] | None, begun: Iterable[UID]
    ) -> None:
        """Create the folder.

        Args:
            function: The creator's name.
            key: The key of the call.
            allowed: The UIDs that it was given to make; None if all its outputs are implicit.
            begun: Outputs that were written or begun before.
        """
        text = json.dumps({"function": function, "key": str(key), "allowed": allowed})
        self.folder.mkdir(exist_ok=True)
        for uid in begun:
            self.claim(uid)
        _write(self.folder / _RUN, text.encode())

    def describe(self) -> tuple[str, str, tuple[UID, ...] | None] | None:
        """Return function, key and allowed UIDs of the creator; None if it has ended."""
        try:
            tree = json.loads((self.folder / _RUN).read_bytes())
        except FileNotFoundError:
            return None
        allowed = tree["allowed"]
        return (
            tree["function"],
            tree["key"],
            None if allowed is None else tuple(UID(uid) for uid in allowed),
        )

    def claim(self, uid: UID) -> bool:
        """Take the right to write an output; return False if it was taken before."""
        try:
            os.close(os.open(self._path(uid, "claim"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return False
        return True

    def give_up(self, uid: UID) -> None:
        """Release the right to write an output."""
        self._path(uid, "claim").unlink(missing_ok=True)

    def hand_over(self, uid: UID, path: Path, *, executables: bool = False) -> None:
        """Hand a finished output to the process of the creator.

        Args:
            uid: The output.
            path: The file or folder.
            executables: Of a folder: keep which files can be executed.
        """
        path.rename(self._path(uid, "bytes"))
        _write(self._path(uid, "json"), json.dumps([uid, executables]).encode())

    def written(self, uid: UID) -> Path | None:
        """Return an output as it was handed over; None if it was not."""
        path = self._path(uid, "bytes")
        return path if self._path(uid, "json").exists() and path.exists() else None

    def note_read(self, record: FileRecord, inner: tuple[str, Digest] | None) -> None:
        """Note that a lake file was read, or one in a directory, of path and digest `inner`."""
        name, head = record.record_digest.hex, ""
        if inner is not None:
            head = json.dumps([inner[0], inner[1].hex])
            name += f"-{Digest.of(inner[0].encode()).hex}"
        path = self.folder / f"{name}.read"
        if not path.exists():
            with contextlib.suppress(FileNotFoundError):  # the creator has just ended
                _write(path, f"{head}\n".encode() + record.raw)

    def handed_over(self) -> list[tuple[UID, Path, bool]]:
        """Return the outputs that were handed over: UID, path, and whether to keep executables."""
        found = []
        for note in sorted(self.folder.glob("*.json")):
            if note.name != _RUN:
                name, executables = json.loads(note.read_bytes())
                uid = parse_uid(name)
                found.append((uid, self._path(uid, "bytes"), executables))
        return found

    def reads(self) -> list[tuple[FileRecord, tuple[str, Digest] | None]]:
        """Return what was read: records, and for files in directories path and digest."""
        records: list[tuple[FileRecord, tuple[str, Digest] | None]] = []
        for path in sorted(self.folder.glob("*.read")):
            head, _, raw = path.read_bytes().partition(b"\n")
            record = decode_slot(raw)
            if not isinstance(record, FileRecord):
                raise CreatorError(f"{path} is not the record of a file")
            inner = None
            if head:
                name, digest = json.loads(head)
                inner = name, Digest.from_hex(digest)
            records.append((record, inner))
        return records

    def close(self) -> None:
        """End the exchange: what child processes hand over from now on is refused."""
        (self.folder / _RUN).unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, uid: UID, ending: str) -> Path:
        return self.folder / f"{Digest.of(uid.encode()).hex}.{ending}"


def _write(path: Path, data: bytes) -> None:
    """Write a small file that others see whole or not at all."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    unfinished.write_bytes(data)
    unfinished.replace(path)
