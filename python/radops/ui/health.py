"""How a lake is: what is not published, what was verified, what local storage takes."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from radops.errors import RadopsError
from radops.ui import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from radops.data_lake import DataLake, LastVerify

_MOST: Final = 200


@dataclass
class Card:
    """One statement about the lake."""

    title: str
    value: str
    note: str = ""
    good: bool = True
    uids: tuple[str, ...] = ()
    """Files to name, the first of them."""
    lines: tuple[str, ...] = ()
    """What else to list."""


def cards(lake: DataLake, warnings: Sequence[str] = ()) -> list[Card]:
    """Return what is known; each part by itself, so that one that fails hides no other.

    Args:
        lake: The lake.
        warnings: What radops warned of since the server was started.
    """
    parts: list[tuple[str, Callable[[DataLake], Card]]] = [
        ("Not published", _unpublished),
        ("Last verify", _verified),
        ("Checked", _checked),
        ("Local storage", _storage),
        ("Quarantine", _quarantine),
    ]
    made = [_made(lake, title, part) for title, part in parts]
    if warnings:
        note = "Since radops ui was started; it also printed them."
        lines = tuple(texts.shown(one) for one in warnings)
        number = texts.count(len(warnings), "warning")
        made.append(Card("Warnings", number, note, good=False, lines=lines))
    return made


def _made(lake: DataLake, title: str, part: Callable[[DataLake], Card]) -> Card:
    try:
        return part(lake)
    except RadopsError as error:
        return Card(title, "not known", texts.shown(error.message), good=False)


def _unpublished(lake: DataLake) -> Card:
    if lake.remote_url is None:
        return Card("Not published", "no remote", "This lake is on this machine only.")
    rows = lake.out_of_sync()
    if not rows:
        return Card("Not published", "nothing", "All files of this machine are in the remote.")
    uids = tuple(row.uid for row in rows[:_MOST])
    note = "radops datalake sync publishes what is only on this machine."
    return Card("Not published", texts.count(len(rows), "file"), note, good=False, uids=uids)


def _checked(lake: DataLake) -> Card:
    checks = lake.checks()
    if checks.oldest is None:
        return Card("Checked", "never", "No bytes of this machine were checked yet.")
    note = (
        f"The one checked longest ago: {texts.moment(checks.oldest)}. "
        f"Last: {texts.moment(checks.newest)}."
    )
    return Card("Checked", texts.count(checks.objects, "object"), note)


def _verified(lake: DataLake) -> Card:
    found = lake.last_verifies()
    if not found:
        return Card("Last verify", "never", "No verify of this machine has come to its end yet.")
    # Findings about some files do not cover the others.
    last = next((one for one in found if not one.target_count), found[0])
    of = "everything" if not last.target_count else texts.count(last.target_count, "target")
    place = "in the remote" if last.remote else "on this machine"
    note = f"{texts.moment(last.ended_at)}, of {of} {place}."
    good = not last.problems
    return Card("Last verify", texts.count(_total(last), "problem"), note, good=good)


def verifies(lake: DataLake) -> list[dict[str, Any]]:
    """Return what is known of the last verifies, the newest first, as the page shows it."""
    return [
        {
            "ok": not one.problems,
            "cells": [
                texts.moment(one.ended_at),
                "the remote" if one.remote else "this machine",
                _targets(one),
                "all bytes" if one.full else "what changed" if one.quick else "names and sizes",
                _checked_by(one),
                _outcome(one),
            ],
        }
        for one in lake.last_verifies()
    ]


def _targets(one: LastVerify) -> str:
    named = ", ".join(texts.shown(target) for target in one.targets[:3])
    more = one.target_count - min(3, len(one.targets))
    return f"{named} and {more:,} more" if more else named or "everything"


def _checked_by(one: LastVerify) -> str:
    parts = [f"{texts.count(one.files, 'file')}, {texts.size(one.bytes)}"]
    parts += [f"{one.trusted:,} unchanged"] if one.trusted else []
    parts += [f"{one.not_local:,} not on this machine"] if one.not_local else []
    return "; ".join([*parts, f"in {texts.seconds(one.seconds)}"])


def _outcome(one: LastVerify) -> str:
    kinds = ", ".join(f"{texts.shown(kind)} {number:,}" for kind, number in one.problems.items())
    found = texts.count(_total(one), "problem") + (f": {kinds}" if kinds else "")
    return f"{found}; {one.repaired:,} repaired" if one.repaired else found


def _total(one: LastVerify) -> int:
    return sum(one.problems.values())


def _storage(lake: DataLake) -> Card:
    disk = shutil.disk_usage(lake.home if lake.home.exists() else lake.home.parent)
    free = f"{texts.size(disk.free)} of {texts.size(disk.total)} are free on this disk."
    low = disk.free < disk.total // 20
    if lake.remote_url is None:
        return Card("Free disk", texts.size(disk.free), free, good=not low)
    report = lake.purge_local_storage(dry_run=True)
    note = f"A purge would free {texts.size(report.bytes)}. {free}"
    return Card("Local storage", texts.size(report.size_before), note, good=not low)


def _quarantine(lake: DataLake) -> Card:
    found: list[Any] = list(lake.empty_quarantine(dry_run=True))
    if not found:
        return Card("Quarantine", "empty", "No damaged bytes were set aside.")
    note = "radops datalake empty-quarantine --dry-run lists them."
    return Card("Quarantine", texts.count(len(found), "damaged file"), note, good=False)
