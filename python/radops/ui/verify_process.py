"""The process that a verify runs in, so that it can be stopped: lines of JSON on stdout.

Started with the lake, pickled, and the options on stdin; ended by an interrupt.
"""

from __future__ import annotations

import json
import pickle
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from radops.errors import RadopsError

if TYPE_CHECKING:
    from radops.data_lake import DataLake, VerifyReport

_EVERY: Final = 0.1
_MOST_FINDINGS: Final = 200


class _Lines:
    """Writes how far a verify is, at most ten times a second."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}
        self._told = 0.0

    def start(self, label: str, total_bytes: int | None, total_files: int | None) -> None:
        """Begin a stage."""
        totals = {"total_bytes": total_bytes, "total_files": total_files}
        self._state = {"stage": label, "bytes": 0, "files": 0, **totals}
        write("progress", self._state)

    def advance(self, bytes: int, files: int) -> None:  # noqa: A002 - as `Progress` names it
        """Count what was done."""
        self._state["bytes"] += bytes
        self._state["files"] += files
        now = time.monotonic()
        if now - self._told >= _EVERY:
            self._told = now
            write("progress", self._state)

    def finish(self) -> None:
        """End the stage."""
        write("progress", self._state)


def write(event: str, data: dict[str, Any]) -> None:
    """Write one line, whole, whichever thread calls."""
    sys.stdout.write(json.dumps({"event": event, **data}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the verify that stdin describes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    lake: DataLake
    lake, targets, options = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the process above
    try:
        report = lake.verify(*targets, progress=_Lines(), **options)
    except RadopsError as error:
        write("error", {"message": error.message, "hint": error.hint or ""})
        return
    except KeyboardInterrupt:
        write("stopped", {})
        return
    write("done", _plain(report))


def _plain(report: VerifyReport) -> dict[str, Any]:
    counts = ("files", "objects", "bytes", "trusted", "not_local", "seconds", "remote", "quick")
    findings = [
        {"subject": one.subject, "kind": one.kind, "message": one.message, "hint": one.hint}
        for one in report.findings[:_MOST_FINDINGS]
    ]
    more = {"ok": report.ok, "problems": len(report.problems), "findings": findings}
    return {name: getattr(report, name) for name in counts} | more
