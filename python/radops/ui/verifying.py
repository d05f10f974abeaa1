"""One verify at a time, in a process of its own: started, watched and stopped from the page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import signal
import time
from typing import TYPE_CHECKING, Any, Final

from radops.errors import UsageError
from radops.ui.processes import start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from radops.data_lake import DataLake

# A process that does not end when it is asked to is killed: a verify changes nothing.
_STOP_SECONDS: Final = 10.0
_STOP_TRIES: Final = 20
_LONGEST_LINE: Final = 4 << 20


class Verification:
    """What is known of the verify that runs, or ran last. Used on one event loop.

    Args:
        lake: The lake.
    """

    def __init__(self, lake: DataLake) -> None:
        self._lake = lake
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._stopping = False
        self._starting = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._version = 0
        self.state: dict[str, Any] = {"event": "idle"}
        """The last line of the process, as the page is sent it."""

    @property
    def is_running(self) -> bool:
        """Whether a verify runs."""
        return self._process is not None

    async def start(self, targets: list[str], *, quick: bool, remote: bool, full: bool) -> None:
        """Start a verify.

        Raises:
            UsageError: One runs already, or the options contradict each other.
        """
        if remote and quick:
            raise UsageError("a quick verify is of this machine, not of the remote")
        options = {"quick": quick, "remote": remote, "full": full}
        async with self._starting:  # two pages may ask at the same moment
            if self.is_running:
                raise UsageError("a verify runs already: stop it first")
            self._stopping = False
            order = pickle.dumps((self._lake, targets, options))
            self._process = process = await start("radops.ui.verify_process", limit=_LONGEST_LINE)
            about = {"targets": targets, **options, "started": time.time()}
            await self._tell({"event": "progress", "stage": "starting", "about": about})
            self._reading = asyncio.create_task(self._read(process, order, about))

    async def _read(
        self, process: asyncio.subprocess.Process, order: bytes, about: dict[str, Any]
    ) -> None:
        if process.stdin is None or process.stdout is None:
            raise AssertionError(process)
        last: dict[str, Any] = {}
        with contextlib.suppress(ConnectionError):
            process.stdin.write(order)
            await process.stdin.drain()
        process.stdin.close()
        while line := await _line(process.stdout):
            found = _read_line(line)
            if found is None:
                continue
            last = found
            if last["event"] == "progress":
                await self._tell({**last, "about": about})
        code = await process.wait()
        if last.get("event") not in ("done", "error", "stopped"):
            # An interpreter that is interrupted while it starts ends with 1.
            stopped = self._stopping or code in (-signal.SIGINT, -signal.SIGKILL, 130)
            last = {"event": "stopped" if stopped else "error"}
            last |= {"message": f"the process ended with {code}", "hint": ""}
        self._process = None
        await self._tell({**last, "about": about, "ended": time.time()})

    async def stop(self) -> None:
        """Stop the verify, if one runs, and wait until it has ended."""
        process, reading = self._process, self._reading
        if process is None or reading is None:
            return
        self._stopping = True
        # More than once: an interrupt is lost where the process does not handle it yet.
        for _ in range(_STOP_TRIES):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
            done, _pending = await asyncio.wait([reading], timeout=_STOP_SECONDS / _STOP_TRIES)
            if done:
                return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await reading

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the state now, and whenever it changes."""
        seen = -1
        while True:
            async with self._changed:
                while self._version == seen:
                    await self._changed.wait()
                seen, state = self._version, self.state
            yield state

    async def _tell(self, state: dict[str, Any]) -> None:
        async with self._changed:
            self.state = state
            self._version += 1
            self._changed.notify_all()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Return the next line; one that is too long counts as an empty one."""
    try:
        return await stream.readline()
    except ValueError:
        return b"\n"


def _read_line(line: bytes) -> dict[str, Any] | None:
    """Return the message in a line of the process; None for what a library printed."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "event" in found else None
