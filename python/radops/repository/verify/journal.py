"""A note of what a long check has done, so that a run that was killed can be resumed."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

from radops.format.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

# Entries older than this are out of date: the check starts over.
_MOST_DAYS = 7
# A kill costs at most what was read since the last flush.
_FLUSH_SECONDS = 1.0


class Journal:
    """Objects that were found good, a line each, in a file that is only ever appended to.

    Advisory: where it cannot be written or does not read, everything is checked.

    Args:
        path: The file.
        about: What is checked; a journal about anything else is replaced.
    """

    def __init__(self, path: Path, about: str) -> None:
        self._path = path
        self._about = about
        self._file: BinaryIO | None = None
        self._flushed = 0.0

    def entries(self) -> Iterator[tuple[Digest, int, float]]:
        """Yield digest, size and time of change of the objects that were found good."""
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            if not self._is_ours(file.readline()):
                return
            for line in file:
                words = line.split()
                # The last line may be torn.
                with contextlib.suppress(ValueError):
                    if line.endswith(b"\n") and len(words) == 3:
                        digest = Digest.from_hex(words[0].decode("ascii"))
                        yield digest, int(words[1]), float(words[2])

    def _is_ours(self, line: bytes) -> bool:
        try:
            head = json.loads(line)
            age = time.time() - head["began"]
            return bool(head["about"] == self._about and 0 <= age < _MOST_DAYS * 24 * 3600)
        except (ValueError, KeyError, TypeError):
            return False

    def add(self, digest: Digest, size: int, modified: float) -> None:
        """Note an object that was found good."""
        with contextlib.suppress(OSError):
            if self._file is None:
                self._file = self._open()
            self._file.write(f"{digest} {size} {modified!r}\n".encode())
            if time.monotonic() - self._flushed > _FLUSH_SECONDS:
                self._file.flush()
                self._flushed = time.monotonic()

    def _open(self) -> BinaryIO:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        goes_on = False
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as before:
            goes_on = self._is_ours(before.readline())
        file: BinaryIO = self._path.open("ab" if goes_on else "wb")
        if goes_on:
            file.write(b"\n")  # after a torn line, a new one
        else:
            head = {"about": self._about, "began": time.time()}
            file.write(json.dumps(head).encode() + b"\n")
        return file

    def close(self) -> None:
        """Close the file; what was noted stays for the next run."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    def finish(self) -> None:
        """Remove the file: the check is complete, the next one starts over."""
        self.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
