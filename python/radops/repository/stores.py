"""Recognise folders that hold a lake's data, by their marker and identity rather than their name.

Two kinds of folder have a marker: the local storage of a home (`lakes/`, `contexts/`) and a shared
folder used as a remote (`refs/`). Each has a collector that removes what its own records do not
keep, so no such folder may hold, or be, another one.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from radops.errors import CorruptRecordError, InvalidConfigError, NewerFormatError
from radops.format.marker import decode_marker
from radops.repository import layout

if TYPE_CHECKING:
    from pathlib import Path

STORAGE = "storage"
"""The folder of local storage, below the home."""

_HOME_PARTS = ("lakes", "contexts", "catalog.sqlite")
_PARTS = frozenset(
    part.rstrip("/")
    for part in (
        *_HOME_PARTS,
        layout.OBJECTS,
        layout.OUTLINES,
        layout.REFS,
        layout.EDGES,
        layout.TRASH,
        layout.LEASES,
        "tmp",
        "quarantine",
    )
)
_CONFIGURATION = "config.toml"
_MAX_MARKER_BYTES = 64 * 1024


class Store(NamedTuple):
    """A folder with a marker."""

    root: str
    is_home: bool
    """Whether it is the local storage of a home; else it is a remote."""

    def __str__(self) -> str:
        what = "the local storage of a lake" if self.is_home else "a lake's remote"
        return f"{what} ({self.root})"


def store_at(folder: str) -> Store | None:
    """Return the store whose root is this folder."""
    marker = f"{folder}/{layout.MARKER}"
    try:
        if not stat.S_ISREG(os.lstat(marker).st_mode):
            return None
        with open(marker, "rb") as file:
            raw = file.read(_MAX_MARKER_BYTES)
    except OSError:
        return None
    is_home = any(os.path.lexists(f"{folder}/{part}") for part in _HOME_PARTS)
    try:
        decode_marker(raw)
    except NewerFormatError:
        pass
    except CorruptRecordError:
        # A damaged marker protects as well, where there is something to protect.
        if not is_home and not os.path.isdir(f"{folder}/objects"):
            return None
    return Store(folder, is_home)


class Owners:
    """Finds which paths belong to a lake; looks at each folder once.

    Args:
        home: The home in use, of which also the configuration is protected before it is used.
    """

    def __init__(self, home: Path) -> None:
        self._stores: dict[str, Store | None] = {}
        self._folders: dict[str, str] = {}
        self._homes: dict[str, Store | None] = {}
        self._home: os.stat_result | None = None
        with contextlib.suppress(OSError):
            self._home = home.stat()

    def owner(self, path: str, *, is_link: bool) -> Store | None:
        """Return the store that a file belongs to, through links of any kind above it.

        Args:
            path: The file.
            is_link: Whether it is a symbolic link; then its target counts as well.
        """
        folder, name = os.path.split(path)
        owner = self._owner(folder or ".", name)
        if owner is None and is_link:
            owner = self._owner(*os.path.split(os.path.realpath(path)))
        return owner

    def content_owner(self, path: str) -> bool:
        """Return whether a path is an object, a view or a copy: bytes of files of the lake."""
        real = os.path.realpath(path)
        store = self._store_above(os.path.dirname(real))
        if store is None:
            return False
        parts = os.path.relpath(real, store.root).split("/")
        shown = parts[0] == "lakes" and parts[2:3] in (["files"], ["directories"])
        return parts[0] == "objects" or shown

    def folder_owner(self, folder: str) -> Store | None:
        """Return the store that a folder belongs to, or is."""
        return self._store_above(os.path.realpath(folder))

    def home_above(self, folder: str) -> Store | None:
        """Return the local storage of the home that a folder is, or is in."""
        real = os.path.realpath(folder)
        seen = []
        while real not in self._homes:
            seen.append(real)
            above = os.path.dirname(real)
            self._homes[real] = self._home_at(real)
            if self._homes[real] is not None or above == real:
                break
            real = above
        self._homes.update(dict.fromkeys(seen, self._homes[real]))
        return self._homes[real]

    def _owner(self, folder: str, name: str) -> Store | None:
        real = self._folders.get(folder)
        if real is None:
            real = self._folders[folder] = os.path.realpath(folder)
        store = self._store_above(real)
        if store is None and (name == _CONFIGURATION or name.startswith(f".{_CONFIGURATION}-")):
            store = self._home_at(real)
        return store

    def _home_at(self, folder: str) -> Store | None:
        if self._home is not None:
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(folder), self._home):
                    return Store(f"{folder}/{STORAGE}", is_home=True)
        store = store_at(f"{folder}/{STORAGE}")
        return store if store is not None and store.is_home else None

    def _store_above(self, real: str) -> Store | None:
        """Return the store whose root is a folder or one above it."""
        seen = []
        found: Store | None = None
        while real not in self._stores:
            seen.append(real)
            found = store_at(real)
            above = os.path.dirname(real)
            if found is not None or above == real:
                break
            real = above
        else:
            found = self._stores[real]
        self._stores.update(dict.fromkeys(seen, found))
        return found


def check_apart(storage: Path, remote: Path | None) -> None:
    """Check that a home's storage and its remote share no folder, nor hold another lake's data.

    Args:
        storage: The local storage, `<home>/storage`. It may not exist yet.
        remote: The folder of a remote; None where it is no folder of this machine.

    Raises:
        InvalidConfigError: A collector of one would remove files of the other.
    """
    here = os.path.realpath(storage)
    own = store_at(here)
    if own is not None and os.path.isdir(f"{here}/refs"):
        raise InvalidConfigError(
            f"{storage} is the remote of a lake, so it cannot be local storage as well",
            hint="set RADOPS_HOME to another folder",
        )
    if remote is None:
        return
    there = os.path.realpath(remote)
    if _holds(here, there) or _holds(there, here):
        raise InvalidConfigError(
            f"the remote {remote} and the local storage {storage} are one folder,"
            " or one is inside the other",
            hint="each would remove files of the other: choose a folder outside the home",
        )
    store = store_at(there)
    if store is not None and store.is_home:
        raise InvalidConfigError(
            f"{remote} is the local storage of a radops home, so it cannot be a remote",
            hint="choose another folder",
        )
    outer = Owners(storage)._store_above(os.path.dirname(there))  # noqa: SLF001
    if outer is not None and os.path.relpath(there, outer.root).split("/")[0] in _PARTS:
        raise InvalidConfigError(
            f"the remote {remote} is inside {outer}", hint="choose another folder"
        )


def _holds(outer: str, inner: str) -> bool:
    """Return whether a folder is another one or holds it, whatever paths lead there."""
    try:
        wanted = os.stat(outer)
    except OSError:
        return inner == outer or inner.startswith(f"{outer}/")
    while True:
        with contextlib.suppress(OSError):
            if os.path.samestat(os.stat(inner), wanted):
                return True
        above = os.path.dirname(inner)
        if above == inner:
            return False
        inner = above
