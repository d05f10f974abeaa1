"""What a file system cannot do where names never change; each refusal says what to do instead."""

from __future__ import annotations

import io
from typing import Any, NoReturn


class NamesNeverChange:
    """The part of the file system that refuses."""

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Do nothing: folders of names need not be made."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing: folders of names need not be made."""

    def cp_file(self, path1: str, path2: str, **_: Any) -> NoReturn:
        """Raise `UnsupportedOperation`: a copy under another name has no use in a lake."""
        refuse("files of a lake are not copied", "use the same name, or: File(new).staged()")

    def mv(self, path1: Any, path2: Any, *_: Any, **__: Any) -> NoReturn:
        """Raise `UnsupportedOperation`."""
        refuse("a name of the lake cannot be moved", "write a new one: File(new).staged()")

    def _rm(self, path: str) -> NoReturn:
        self.rm(path)

    def rm_file(self, path: str) -> NoReturn:
        """Raise `UnsupportedOperation`."""
        self.rm(path)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> NoReturn:
        """Raise `UnsupportedOperation`."""
        refuse(
            f"{path} is not removed: deleting affects everyone who uses the lake",
            "File(uid).delete(); a new version of a directory: Directory(uid).edit(new)",
        )

    def rmdir(self, path: str) -> NoReturn:
        """Raise `UnsupportedOperation`."""
        self.rm(path)

    @property
    def transaction(self) -> Any:
        """Raises `UnsupportedOperation`."""
        self.start_transaction()

    def start_transaction(self) -> NoReturn:
        """Raise `UnsupportedOperation`."""
        refuse(
            "there are no transactions over several names",
            "fill one directory: with Directory(uid).staged() as folder: ...",
        )


def refuse(what: str, instead: str) -> NoReturn:
    """Raise `UnsupportedOperation`."""
    raise io.UnsupportedOperation(f"{what}; {instead}")
