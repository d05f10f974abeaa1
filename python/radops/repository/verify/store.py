"""Checking the store that all lakes of a home share for what does not belong there."""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from radops.format.digest import Digest
from radops.format.outline import BLOCK_SIZE, check_outline
from radops.format.uid import SlotName, parse_slot_key
from radops.repository import layout
from radops.repository.verify import findings
from radops.repository.verify.findings import REPAIR
from radops.repository.verify.stored_bytes import WRITABLE_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radops.repository.verify.records import RecordCheck

_DIGEST_PATH = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")


def slot_names(check: RecordCheck, entries: Iterable[tuple[str, bool]]) -> Iterator[SlotName]:
    """Yield the slots below `refs/`, and report what is there and is none.

    Args:
        check: Takes the findings.
        entries: Keys, and whether each is a regular file.
    """
    for key, regular in entries:
        name = parse_slot_key(key)
        if name is None or not regular:
            _stray(check, check.local.prefix + key)
        else:
            yield name


def check_store(check: RecordCheck, objects: Iterable[str]) -> None:
    """Check what is in the store, and the modes of objects.

    Args:
        check: Takes the findings.
        objects: The keys below `objects/`, without those that were confirmed.
    """
    for key in objects:
        digest = _digest(key[len(layout.OBJECTS) :])
        if digest is not None and check.work.size(digest) is not None:
            continue  # looked at already
        try:
            status = (check.store.root / key).lstat()
        except OSError:
            continue  # removed meanwhile
        if digest is None or not stat.S_ISREG(status.st_mode):
            _stray(check, key)
        elif status.st_mode & WRITABLE_BITS:
            mode = stat.S_IMODE(status.st_mode)
            message = f"an object can be written to (mode {mode:04o})"
            check.tally.find(findings.WRITABLE, message, REPAIR, digest=digest, path=key)
    for key, entry in _files(check, layout.OUTLINES):
        digest = _digest(key[len(layout.OUTLINES) :])
        if digest is None or not entry.is_file(follow_symlinks=False):
            _stray(check, key)
        else:
            _check_outline(check, digest, key, entry)


def _check_outline(check: RecordCheck, digest: Digest, key: str, entry: os.DirEntry[str]) -> None:
    try:
        size = check.work.size(digest)
        if size is not None and size > BLOCK_SIZE:
            return  # looked at already
        if size is None or size < 0:
            size = check.store.object_path(digest).stat().st_size
        if entry.stat().st_size <= 32 * (size // BLOCK_SIZE + 1):
            with open(entry.path, "rb") as file:  # noqa: PTH123 - one of very many
                if size > BLOCK_SIZE and check_outline(file.read(), size, digest):
                    return
    except OSError:
        return  # of an object that is not here: it waits for it, and is checked before any use
    message = "an outline does not belong to its object"
    uids = check.work.users(digest)
    check.tally.find(findings.OUTLINE, message, REPAIR, uids, digest=digest, path=key, size=size)


def _digest(path: str) -> Digest | None:
    found = _DIGEST_PATH.fullmatch(path)
    return Digest.from_hex(found[1] + found[2]) if found else None


def _stray(check: RecordCheck, key: str) -> None:
    check.tally.find(
        findings.STRAY,
        "nothing that radops puts there",
        f"move it away, or: {REPAIR}",
        path=key,
    )


def _files(check: RecordCheck, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield key and entry of everything below a folder that is no folder itself.

    Unlike a listing of the backend this passes over nothing: links and special files come too.
    """
    stack = [(_scan(check.store.root / prefix), prefix)]
    while stack:
        entries, base = stack[-1]
        entry = next(entries, None)
        if entry is None:
            stack.pop()
        elif entry.is_dir(follow_symlinks=False):
            stack.append((_scan(entry.path), f"{base}{entry.name}/"))
        else:
            yield base + entry.name, entry


def _scan(path: os.PathLike[str] | str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            yield from entries
    except (FileNotFoundError, NotADirectoryError):
        return
