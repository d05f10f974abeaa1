"""Making a directory of an earlier one, with what a folder holds and without what is removed."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from radops import native
from radops.errors import LocalStorageError
from radops.format.digest import Digest
from radops.repository.trees.intake import admit_added, name_folder, refused_folder, stem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from radops.repository.objects.store import LocalStore
    from radops.repository.trees.intake import TakenIn
    from radops.repository.trees.tree import Tree

# Each try finds objects that the last one used again damaged or gone, and has them fetched.
_MAX_TRIES = 4


def take_in_update(  # noqa: PLR0913 - as `take_in`, and what is updated
    store: LocalStore,
    folder: Path,
    scan: native.FolderScan,
    base: Tree,
    removed: Sequence[str],
    *,
    stats: Path | None = None,
    progress: native.Progress | None = None,
    accept: Callable[[TakenIn], bool] = lambda _taken: True,
) -> TakenIn:
    """Make the next version of a directory; what is new of it is moved into `objects/`.

    Packs of the base that are not here are used where they are, unless too little of one is still
    needed: then it is fetched, and its files are packed again.

    Args:
        store: The objects of the home.
        folder: The folder, whose files take precedence.
        scan: What `scan_folder` found in it.
        base: The earlier directory.
        removed: Patterns of what of it is not kept.
        stats: As of `take_in`.
        progress: Counts bytes and files, and can stop the call.
        accept: As of `take_in`.

    Raises:
        FolderRefusedError: Files changed since the scan, or cannot be read.
        LocalStorageError: The disk is full, say.
    """
    with tempfile.TemporaryDirectory(prefix="radops-update-") as pages:
        over = name_folder(store, folder, scan, pages, stats=stats, progress=progress)
        for _ in range(_MAX_TRIES):
            try:
                added = base.update(over, folder, stem(store), removed, progress)
            except native.FolderRefusedError as error:
                raise refused_folder(folder, error) from None
            reused = [(Digest(digest), size) for digest, size in added.reused]
            here = [one for one in reused if store.is_here(*one)]
            taken = admit_added(store, added, here, accept)
            if taken is not None:
                return taken
    raise LocalStorageError(
        f"objects of the directory that {os.fspath(folder)} updates keep being damaged or removed",
        hint="radops datalake verify says more; another command may be making room",
    )
