"""A process of the storm: it uses names that all others use too, and records what it was told."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
import traceback
from collections import defaultdict
from pathlib import Path

from radops.data_lake import DataLake
from radops.errors import LocalStorageError, UIDConflictError, UIDNotFoundError
from reliability.linearizable import Operation

CONTENTS = ("a", "b", "c")
GRACE = 60.0
"""Seconds that the collector leaves alone what it does not know: longer than any operation."""


def body(uid: str, content: str) -> bytes:
    """Return the bytes of one content of a name; some have more than one block."""
    size = (1 << 20) + 5 if uid.endswith("7") else 40
    text = f"{uid} {content} ".encode()
    return (text * (size // len(text) + 1))[:size]


class Client:
    """What one process does to the lake.

    Args:
        lake: The lake.
        scratch: A folder of its own, for files that are to be added.
    """

    def __init__(self, lake: DataLake, scratch: Path) -> None:
        self.lake = lake
        self.scratch = scratch

    def add(self, uid: str, content: str) -> str:
        """Add one content, by copy or by move, and return what was answered."""
        path = self.scratch / "file"
        path.write_bytes(body(uid, content))
        move = content == "c"
        try:
            result = self.lake.add(path, uid, move=move)
        except UIDConflictError:
            return "conflict"
        if move and path.exists():
            raise AssertionError(f"the source of {uid} was not moved: {result}")
        return "already" if result.already_there else "added"

    def delete(self, uid: str) -> str:
        """Delete a name and return what was answered."""
        try:
            self.lake.delete(uid)
        except UIDNotFoundError:
            return "missing"
        return "deleted"

    def read(self, uid: str) -> str | None:
        """Return which content a name has; None if there is no such file."""
        try:
            found = self.lake.file(uid).read_bytes()
        except UIDNotFoundError:
            return None
        for content in CONTENTS:
            if found == body(uid, content):
                return content
        raise AssertionError(f"{uid} has bytes that were never added")


def storm(
    home: Path,
    remote: str | None,
    diary: Path,
    names: list[str],
    end: float,
    seed: str,
    environment: dict[str, str],
) -> None:
    """Use the lake until a time of the monotonic clock; the diary holds what was answered."""
    os.environ.update(environment)  # not that of the fork server
    os.environ.update({"RADOPS_EMAIL": "storm@example.com", "RADOPS_LEASE_SECONDS": "3"})
    scratch = diary.with_suffix(".scratch")
    scratch.mkdir(exist_ok=True)
    chance = random.Random(seed)
    try:
        lake = DataLake(home=home, remote=remote)
        client = Client(lake, scratch)
        with diary.open("a", encoding="utf-8", buffering=1) as file:
            while True:  # once at least, however late it is
                _one(client, file.write, chance, names)
                if time.monotonic() >= end:
                    break
        lake.close()
    except BaseException:  # noqa: BLE001 - the parent raises it
        diary.with_suffix(".error").write_text(traceback.format_exc(), encoding="utf-8")
        raise SystemExit(1) from None


def _one(client: Client, write: object, chance: random.Random, names: list[str]) -> None:
    assert callable(write)
    kinds = ["add", "read", "delete", "verify", "gc", "delete-local"]
    kind = chance.choices(kinds, [8, 8, 4, 0.2, 0.2, 0.5])[0]
    uid = chance.choice(names)
    if kind == "verify":
        client.lake.verify(quick=True).raise_for_problems()
    elif kind == "gc":
        client.lake.gc(dry_run=False, grace=GRACE)
    elif kind == "delete-local" and client.lake.remote_url is not None:
        # Refused while another process, or one that was killed, has not published the file yet.
        with contextlib.suppress(UIDNotFoundError, LocalStorageError):
            client.lake.delete_local(uid)
    elif kind in ("add", "read", "delete"):
        content = chance.choice(CONTENTS) if kind == "add" else None
        write(json.dumps(["call", uid, kind, content, time.monotonic()]) + "\n")
        if kind == "read":
            content = client.read(uid)
            answer = "missing" if content is None else "found"
        elif kind == "add":
            answer = client.add(uid, content or "")
        else:
            answer = client.delete(uid)
        write(json.dumps(["return", uid, kind, content, time.monotonic(), answer]) + "\n")


def histories(diaries: list[Path]) -> dict[str, list[Operation]]:
    """Return the operations on each name. A call without a return was interrupted by a kill."""
    found: dict[str, list[Operation]] = defaultdict(list)
    for diary in diaries:
        begun: tuple[str, str, str | None, float] | None = None
        for line in diary.read_text(encoding="utf-8").splitlines():
            try:
                what, uid, kind, content, at, *answer = json.loads(line)
            except ValueError:
                continue  # cut by the kill
            if what == "call":
                begun = uid, kind, content, at
            elif begun is not None:
                called = begun[3]
                found[uid].append(Operation(kind, content, answer[0], called, at))
                begun = None
        if begun is not None and begun[1] != "read":
            uid, kind, content, called = begun
            found[uid].append(Operation(kind, content, None, called))
    return found
