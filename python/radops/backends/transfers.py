"""Transfers of whole files between this machine and a store, without their bytes in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from radops import native


class Fetch(NamedTuple):
    """An object of at most 1 MiB that is fetched into a file."""

    key: str
    path: Path
    """The file, which must not exist."""
    size: int
    digest: bytes
    """What it must hash to: 32 bytes."""


class FetchRanges(NamedTuple):
    """Blocks of 1 MiB of a larger object that are fetched into their places in a file."""

    key: str
    path: Path
    """The file, which exists and is as large as the object."""
    size: int
    outline: bytes | None
    """What each block must hash to; None: blocks are written as they come."""
    spans: Sequence[tuple[int, int]]
    """First block and the one after the last, of each request."""


class Send(NamedTuple):
    """A file that is sent."""

    key: str
    path: Path
    size: int
    digest: bytes
    """What a file of at most 1 MiB must hash to."""
    outline: bytes
    """What each block of a larger file must hash to."""


class FileTransfers(Protocol):
    """Moves many local files at once to a store and from it, each proven on its way.

    Each call returns one answer per file, in order: None, or the error that is about this file
    alone. Every other error ends the call and is raised; what was moved stays. `progress` counts
    bytes and files.
    """

    def fetch(
        self, files: Sequence[Fetch], progress: native.Progress | None = None
    ) -> list[Exception | None]:
        """Fetch small objects; a file exists only if all of it is right.

        Returns:
            `KeyNotFoundError` where there is no such key, `CorruptObjectError` where the bytes
            were wrong twice in a row.

        """
        ...

    def fetch_ranges(
        self, objects: Sequence[FetchRanges], progress: native.Progress | None = None
    ) -> list[Exception | None]:
        """Fetch blocks of larger objects; only right ones are written.

        Returns:
            As `fetch`. Blocks that came before an error are in the file.

        """
        ...

    def send(
        self, files: Sequence[Send], progress: native.Progress | None = None
    ) -> list[Exception | None]:
        """Send files, replacing what is there; each becomes visible whole or not at all.

        Returns:
            `CorruptObjectError` where the file holds wrong bytes, `OSError` where it cannot be
            read; nothing of it became visible then.

        """
        ...
