"""Which files of which directories are affected by what a check found."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from radops import native
from radops.repository.verify import findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from radops.repository.verify.findings import Finding

_LOST = frozenset(
    (
        findings.BYTES,
        findings.SIZE,
        findings.MISSING,
        findings.DANGLING,
        findings.TRASHED,
        findings.UNREADABLE,
    )
)


def is_about_bytes(finding: Finding) -> bool:
    """Return whether a finding is about wrong or missing bytes of an object."""
    return finding.digest is not None and finding.kind in _LOST


def name_hits(found: Sequence[Finding], trees: Iterable[tuple[str, native.TreeReader]]) -> None:
    """Note in findings which files in directories they affect.

    A damaged pack affects the files that are in its wrong spans, a damaged page the files that it
    lists. Pages that are not on this machine are passed over.

    Args:
        found: The findings.
        trees: UID and tables of contents of the directories in question.
    """
    damaged: dict[bytes, list[Finding]] = {}
    for one in found:
        if one.digest is not None and is_about_bytes(one):
            damaged.setdefault(one.digest.raw, []).append(one)
    if not damaged:
        return
    # One object can have several findings: of wrong spans, and that it has another size.
    damages = [
        (
            digest,
            [] if any(not one.ranges for one in some) else [r for one in some for r in one.ranges],
        )
        for digest, some in damaged.items()
    ]
    for uid, tree in trees:
        with contextlib.suppress(native.TreeFormatError, native.NewerTreeError, OSError):
            hits = tree.hits(damages, findings.MOST_INNER)
            for some, (count, paths) in zip(damaged.values(), hits, strict=True):
                for finding in some:
                    finding.hits(uid, count, paths)
        for digest, some in damaged.items():
            span = tree.page_span(digest)
            if span is None:
                continue
            start, end, entries = span
            until = f" up to {end}" if end else ""
            begin = start or "the first"
            for finding in some:
                finding.inner_count += entries
                finding.message += f"; it lists {entries:,} entries of {uid}, from {begin}{until}"
