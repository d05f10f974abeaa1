"""Running a command line and measuring what it took: time, processor, memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_DROP = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True)
class Sample:
    """One run of one command line."""

    seconds: float
    """By the wall clock."""
    cpu: float
    """Seconds of all cores together, user and system."""
    rss: int
    """Peak bytes in memory of the largest of its processes."""
    output: str
    error: str | None
    """Why it does not count; None if it ended well."""


def run(line: str, environment: Mapping[str, str], folder: Path, limit: float) -> Sample:
    """Run a line in bash, in a folder, and measure it.

    A line that is one command takes the place of the shell, so a shell costs a millisecond or
    two, and the same to everybody.

    Args:
        line: The line, as people would type it.
        environment: All variables.
        folder: Where it runs.
        limit: Seconds after which it is ended.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.perf_counter()
        child = subprocess.Popen(
            ["/bin/bash", "-c", line],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        status, usage, late = _wait(child.pid, began + limit)
        took = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        output = out.read(1 << 20).decode(errors="replace")
        words = (err.read(1 << 20).decode(errors="replace") or output).strip().splitlines()
    error = None
    if late:
        error = f"more than {limit:.0f} s"
    elif child.returncode:
        # Some programs print more lines after the one that names the error.
        said = next((word for word in words if "error" in word.lower()), words[-1] if words else "")
        error = f"exit {child.returncode}" + (f": {said[:160]}" if said else "")
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(took, cpu, usage.ru_maxrss * 1024, output, error)


def _wait(pid: int, end: float) -> tuple[int, os.struct_rusage, bool]:
    late = False

    def expire(_number: int, _frame: object) -> None:
        nonlocal late
        late = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, max(0.001, end - time.perf_counter()))
    try:
        _, status, usage = os.wait4(pid, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return status, usage, late


def can_drop_caches() -> bool:
    """Return whether this process can drop the page cache of the kernel."""
    return os.access(_DROP, os.W_OK)


def settle(folder: Path, *, cold: bool = False) -> None:
    """Wait until what was written before is on disk, so that no measurement includes earlier writes.

    Args:
        folder: On the file system that counts.
        cold: Also drop the page cache.
    """
    subprocess.run(["sync", "-f", str(folder)], check=True)
    if cold:
        _DROP.write_text("3\n")


def remove(folder: Path) -> None:
    """Remove a folder, also one that cannot be written to: git-annex makes such."""
    done = subprocess.run(["rm", "-rf", str(folder)], check=False, capture_output=True)
    if done.returncode:
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False, capture_output=True)
        subprocess.run(["rm", "-rf", str(folder)], check=False, capture_output=True)
