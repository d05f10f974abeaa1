"""A process that uses a lake at random, and writes down what it was told is done.

Its diary has one JSON line before and one after each operation. A process that takes up the diary
of one that was killed does again what that one was doing.
"""

from __future__ import annotations

import json
import os
import random
import time
import traceback
from pathlib import Path
from typing import Any

from radops.data_lake import DataLake, File, file_creator
from radops.errors import HasDependentsError, UIDConflictError, UIDNotFoundError

COMMON = 5
"""Names that all processes use."""
GRACE = 60.0
"""Seconds that the collector leaves alone what it does not know: longer than any operation."""


def body(uid: str) -> bytes:
    """Return the content of a name; some bodies have more than one block."""
    size = (1 << 20) + 5 if uid.endswith("7") else 40
    return (uid.encode() * (size // len(uid) + 1))[:size]


@file_creator(name="tests.worker.triple")
def triple(f: File, output_uids: list[str]) -> list[File]:
    made = [File(uid) for uid in output_uids]
    for out in made:
        out.write_bytes(body(out.uid))
    return made


class Worker:
    """One process.

    Args:
        name: Different from all others'; the beginning of the names it gives.
        home: The home it works in.
        remote: The URL of the remote; None for none.
        diary: Where it writes down what it does.
        scratch: A folder of its own.
    """

    def __init__(self, name: str, home: Path, remote: str | None, diary: Path) -> None:
        self.name = name
        self.diary = diary
        self.scratch = diary.with_suffix(".scratch")
        self.scratch.mkdir(exist_ok=True)
        self.lake = DataLake(home=home, remote=remote)
        self.mine: list[str] = []
        self.number = 0

    def run(self, seconds: float, seed: str, *, collect: bool) -> None:
        """Use the lake for so many seconds, or until killed."""
        chance = random.Random(seed)
        if undone := self._take_up():
            self._do(*undone)
        end = time.monotonic() + seconds
        with self.lake.use():
            while time.monotonic() < end:
                self._do(*self._choose(chance, collect=collect))
        self.lake.close()

    def _take_up(self) -> tuple[str, str] | None:
        undone = None
        for line in read_diary(self.diary):
            self.number = max(self.number, line["number"])
            undone = (line["what"], line["uid"]) if line["state"] == "begun" else None
            if line["state"] == "done" and line["what"] in {"add", "create"}:
                self.mine.append(line["uid"])
            elif line["what"] == "delete" and line["uid"] in self.mine:
                self.mine.remove(line["uid"])
        return undone

    def _choose(self, chance: random.Random, *, collect: bool) -> tuple[str, str]:
        self.number += 1
        what = chance.choices(
            ["add", "add-common", "create", "create-common", "read", "delete", "verify", "gc"],
            [6, 2, 3, 1, 5, 3, 1, 1 if collect else 0],
        )[0]
        if what in {"add", "create"}:
            return what, f"{self.name}/{self.number}"
        if what in {"add-common", "create-common"}:
            return what, f"common/{what}-{chance.randrange(COMMON)}"
        if what in {"read", "delete"} and self.mine:
            return what, chance.choice(self.mine)
        return ("gc" if what == "gc" else "verify"), ""

    def _do(self, what: str, uid: str) -> None:
        self._note("begun", what, uid)
        state = "done"
        try:
            getattr(self, "_" + what.partition("-")[0])(uid)
        except UIDConflictError:
            if not what.endswith("-common"):
                raise
            state = "conflict"
        except HasDependentsError:
            state = "kept"
        except UIDNotFoundError:
            # Deleted by the run that was killed while it did so.
            if what != "delete":
                raise
        if what in {"add", "create"}:
            self.mine.append(uid)
        if what == "delete" and state == "done":
            self.mine.remove(uid) if uid in self.mine else None
        self._note(state, what, uid)

    def _note(self, state: str, what: str, uid: str) -> None:
        line = {"state": state, "what": what, "uid": uid, "number": self.number, "at": time.time()}
        with self.diary.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _add(self, uid: str) -> None:
        path = self.scratch / "file"
        path.write_bytes(body(uid))
        self.lake.add(path, uid)

    def _create(self, uid: str) -> None:
        self._add(f"{uid}.in")
        with self.lake.use():
            triple(self.lake.file(f"{uid}.in"), output_uids=[uid, f"{uid}.2", f"{uid}.3"])

    def _read(self, uid: str) -> None:
        if self.lake.file(uid).read_bytes() != body(uid):
            raise AssertionError(f"{uid} holds wrong bytes")

    def _delete(self, uid: str) -> None:
        self.lake.delete(uid)

    def _verify(self, _uid: str) -> None:
        self.lake.verify(quick=self.number % 2 == 0).raise_for_problems()

    def _gc(self, _uid: str) -> None:
        self.lake.gc(dry_run=False, grace=GRACE)


def read_diary(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a diary; the last one may have been cut by a kill."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def work(
    name: str,
    home: Path,
    remote: str | None,
    diary: Path,
    seconds: float,
    seed: str,
    collect: bool,
    environment: dict[str, str],
) -> None:
    """Run a worker in a process of its own; an error is in its diary."""
    os.environ.update(environment)  # of the test, not of the fork server
    os.environ.update({"RADOPS_EMAIL": f"{name}@example.com", "RADOPS_LEASE_SECONDS": "3"})
    worker = Worker(name, home, remote, diary)
    try:
        worker.run(seconds, seed, collect=collect)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        diary.with_suffix(".error").write_text(traceback.format_exc(), encoding="utf-8")
        worker._note("failed", type(error).__name__, "")
        raise SystemExit(1) from None
