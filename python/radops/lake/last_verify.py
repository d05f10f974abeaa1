"""The outcome of the last verifies of a lake, kept for display: `DataLake.last_verifies`.

Small files below `lakes/<lake>/verified/` of the home. Nothing else reads them: they can be lost.
The last verify of everything is kept beside the last one of some files, which does not cover the
others; and so is that of the remote beside that of this machine.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import msgspec

from radops.errors import CorruptDataError, LocalStorageError, NewerFormatError
from radops.format import cbor
from radops.format.wire import format_time, parse_time
from radops.lake.reports import LastVerify
from radops.repository.refs.repository import now
from radops.structs import convert, prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from radops.lake.session import Session
    from radops.lake.verify import VerifyReport

_KIND = "radops/last-verify"
_VERSION = 1
_MAX_BYTES = 64 * 1024
_MOST_TARGETS = 20
_NAMES = ("here-all", "here-some", "remote-all", "remote-some")

_Count = Annotated[int, msgspec.Meta(ge=0)]


@prepared
class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    """What one file holds."""

    kind: str
    v: int
    ended_at: str
    seconds: Annotated[float, msgspec.Meta(ge=0)]
    remote: bool
    quick: bool
    full: bool
    targets: list[str]
    target_count: _Count
    files: _Count
    objects: _Count
    bytes: _Count
    trusted: _Count
    not_local: _Count
    repaired: _Count
    problems: dict[str, _Count]


def keep(session: Session, targets: Sequence[str], report: VerifyReport) -> None:
    """Keep the outcome of a completed verify; a full or read-only disk is no error.

    Of several at once, the last one is kept.

    Args:
        session: The lake.
        targets: What was verified; nothing for everything.
        report: What it found.
    """
    session.remember_quietly()
    prefix = session.lake.local.prefix
    if session.remote_url is None and not (session.store.root / prefix).is_dir():
        return  # nothing of this lake is on this machine, and nothing is left behind
    problems: Counter[str] = Counter(one.kind for one in report.problems)
    stored = _Stored(
        kind=_KIND,
        v=_VERSION,
        ended_at=format_time(now()),
        seconds=float(report.seconds),
        remote=report.remote,
        quick=report.quick,
        full=report.full,
        targets=[*targets[:_MOST_TARGETS]],
        target_count=len(targets),
        files=report.files,
        objects=report.objects,
        bytes=report.bytes,
        trusted=report.trusted,
        not_local=report.not_local,
        repaired=len(report.findings) - len(report.problems),
        problems=dict(problems),
    )
    name = f"{'remote' if report.remote else 'here'}-{'some' if targets else 'all'}"
    data = cbor.encode(msgspec.to_builtins(stored))
    with contextlib.suppress(LocalStorageError):
        session.storage.without_durability().put([(f"{prefix}verified/{name}.cbor", data)])


def last_verifies(session: Session) -> list[LastVerify]:
    """Return what is kept, the newest first; what cannot be read is left out."""
    found = [one for name in _NAMES if (one := _read(session, name)) is not None]
    return sorted(found, key=lambda one: one.ended_at, reverse=True)


def _read(session: Session, name: str) -> LastVerify | None:
    path = session.storage.path(f"{session.lake.local.prefix}verified/{name}.cbor")
    try:
        with path.open("rb") as file:
            tree = cbor.decode(file.read(_MAX_BYTES + 1), _MAX_BYTES)
        if not isinstance(tree, dict) or (tree.get("kind"), tree.get("v")) != (_KIND, _VERSION):
            return None
        stored = convert(tree, _Stored)
        parse_time(stored.ended_at)
    except (OSError, CorruptDataError, NewerFormatError, msgspec.ValidationError, ValueError):
        return None
    fields = msgspec.structs.asdict(stored)
    del fields["kind"], fields["v"]
    return LastVerify(**fields)
