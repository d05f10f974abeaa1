"""What is to be added: files and their names, checked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radops.errors import InvalidUIDError, UIDConflictError, UsageError
from radops.format.uid import UID, is_reserved, parse_uid
from radops.lake.progress import stage_if_slow
from radops.lake.sources import SourceChecks, local_source
from radops.redact import strip_url

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from radops.lake.expected import Expected
    from radops.lake.reports import Progress

# A batch of a bulk add: a few barriers for all its files, and what has to be done again after a
# crash is bounded.
BATCH_FILES = 16_384
BATCH_BYTES = 16 << 30


@dataclass(slots=True)
class Item:
    """One file to be added."""

    source: str
    """What goes into the record: a file name or a URL."""
    uid: UID
    size: int
    path: Path | None = None
    """Where it is; None for a URL."""
    expected: Expected | None = None
    """The digests that it must have, where some were given."""


def check_writable(uid: UID) -> None:
    """Raise `InvalidUIDError` for names that only radops gives."""
    if is_reserved(uid):
        raise InvalidUIDError(
            f"{uid} is a name that only radops gives", uid=uid, hint="choose another name"
        )


def check_name(text: str) -> UID:
    """Return the UID that a file is to get.

    Raises:
        InvalidUIDError: The text cannot be one, or only radops gives it.
    """
    uid = parse_uid(text)
    check_writable(uid)
    return uid


def check_pairs(
    pairs: Iterable[tuple[str | os.PathLike[str], str]],
    progress: Progress | None,
    *,
    home: Path,
    move: bool,
) -> list[Item]:
    """Check every file and name of a bulk add.

    Raises:
        InvalidUIDError: Some names cannot be UIDs; the message lists all of them.
        UsageError: A source is a URL, no regular file or a lake's own, or two files are to get one
            name.
        FileChangedError: A source of a move is open for writing.
    """
    checks = SourceChecks(home, move=move)
    items: dict[UID, Item] = {}
    bad: list[tuple[str, InvalidUIDError]] = []
    with stage_if_slow(progress, "checking files") as count:
        for source, text in pairs:
            count(0, 1)
            path = local_source(source)
            if path is None:
                raise UsageError(f"{strip_url(str(source))}: URLs are added one by one")
            try:
                uid = check_name(text)
            except InvalidUIDError as error:
                bad.append((text, error))
                continue
            item = Item(path.name or path.absolute().name, uid, checks.check(path), path)
            known = items.setdefault(uid, item)
            if known.path != path:
                raise UsageError(f"{known.path} and {path} are both to become {uid}")
    if bad:
        raise _bad_names(bad)
    return list(items.values())


# Names listed of each kind of fault; a folder may have a million.
_MOST_NAMES = 20


def _bad_names(bad: Sequence[tuple[str, InvalidUIDError]]) -> InvalidUIDError:
    """Return one error for all names that cannot be UIDs, grouped by what is wrong with them."""
    if len(bad) == 1:
        error = bad[0][1]
        return InvalidUIDError(error.message, uid=error.uid, hint=error.hint or _ENCODE)
    groups: dict[str, list[str]] = {}
    for text, error in bad:
        groups.setdefault(error.reason or error.message, []).append(text)
    lines = [f"{len(bad):,} names cannot be UIDs, so nothing was added"]
    for reason, names in groups.items():
        shown = [repr(name) if name.isprintable() else ascii(name) for name in names[:_MOST_NAMES]]
        more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
        lines.append(f"{reason}: {', '.join(shown)}{more}")
    return InvalidUIDError("\n".join(lines), hint=_ENCODE)


_ENCODE = (
    "--encode-names writes what a UID cannot hold as %XX, so that the names can be restored;"
    " in Python: radops.data_lake.encode_name"
)


def batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Cut files into batches of bounded count and size."""
    batch: list[Item] = []
    size = 0
    for item in items:
        if batch and (len(batch) >= BATCH_FILES or size + item.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += item.size
    if batch:
        yield batch


def extent(batches: Iterable[Sequence[Item]]) -> tuple[int, int]:
    """Return how many bytes and files there are."""
    items = [item for batch in batches for item in batch]
    return sum(item.size for item in items), len(items)


def other_bytes(uid: UID) -> UIDConflictError:
    """Return the error for a name that exists with other bytes."""
    return UIDConflictError(
        f"{uid} exists already with other bytes",
        uid=uid,
        hint="files never change: choose another name, or delete that one first",
    )
