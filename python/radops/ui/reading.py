"""Reading contents of files for the pages, bounded: in few processes that are ended if they must.

Contents can be anything: a table that unpacks to a thousand times its size, an archive with a
million members, a remote file that comes a byte a minute. A thread that works on such a thing
cannot be stopped. A process can, and then nothing of it is left.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import anyio

from radops.errors import RadopsError
from radops.ui.processes import framed, receive, start

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Awaitable, Callable

    from radops.data_lake import DataLake

MOST: Final = 2
"""Processes at once; what is asked for beyond that waits."""
WAIT_SECONDS: Final = 30.0
"""What could not begin within so many seconds is dropped."""
_START_SECONDS: Final = 60.0


class NotReadError(Exception):
    """It could not be read, and why; nothing is being done for it any more."""


class Readers:
    """Runs the works of `reading_process`, a few at once. Used on one event loop.

    Args:
        lake: The lake.
        most: Processes at once.
        wait_seconds: Seconds that a request waits for its turn.
    """

    def __init__(
        self, lake: DataLake, *, most: int = MOST, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._lake = lake
        self._most = most
        self._wait = wait_seconds
        self._turns: anyio.Semaphore | None = None
        self._idle: list[Process] = []

    async def run(
        self,
        work: str,
        *arguments: object,
        seconds: float,
        wanted: Callable[[], Awaitable[bool]] | None = None,
    ) -> Any:  # noqa: ANN401 - as the work returns
        """Return what a work returns.

        Args:
            work: Its name, of `reading_process.WORKS`.
            arguments: What it takes.
            seconds: After so many, its process is ended.
            wanted: Asked when it is its turn: whether the request still waits for it.

        Raises:
            NotReadError: It took too long, it failed, or it is not wanted any more.
            RadopsError: As the work raises.
        """
        if self._turns is None:
            self._turns = anyio.Semaphore(self._most)
        with anyio.move_on_after(self._wait) as waiting:
            await self._turns.acquire()
        if waiting.cancelled_caught:
            raise NotReadError("Too much else is being read: try again.")
        try:
            if wanted is not None and not await wanted():
                raise NotReadError("Nobody waits for it any more.")
            return await self._run(work, arguments, seconds)
        finally:
            self._turns.release()

    async def _run(self, work: str, arguments: tuple[object, ...], seconds: float) -> Any:  # noqa: ANN401
        process = await self._process()
        answer = None
        try:
            with anyio.move_on_after(seconds):
                answer = await _ask(process, (work, arguments, seconds))
        except (EOFError, OSError) as error:
            raise _broken() from error
        finally:
            if answer is None:
                await _end(process)
            else:
                self._idle.append(process)
        if answer is None:
            raise NotReadError(f"It took more than {seconds:.0f} seconds to read.")
        good, value = answer
        if good:
            return value
        if isinstance(value, RadopsError):
            raise value
        raise NotReadError(f"It cannot be read: {value}.")

    async def _process(self) -> Process:
        """Return one that waits for work, a new one if there is none."""
        while self._idle:
            process = self._idle.pop()
            if process.returncode is None:
                return process
        try:
            process = await start("radops.ui.reading_process", limit=1 << 16)
        except OSError as error:
            raise NotReadError("This machine takes no more processes: try again.") from error
        ready = False
        try:
            with anyio.move_on_after(_START_SECONDS):
                # What a process does before it can begin is no part of the time of the work.
                await _ask(process, self._lake)
                ready = True
        except (EOFError, OSError) as error:
            raise _broken() from error
        finally:
            if not ready:
                await _end(process)
        if not ready:
            raise NotReadError("This machine is too busy to read it: try again.")
        return process

    async def prepare(self) -> None:
        """Start a process, so that the first page need not wait for it."""
        with contextlib.suppress(NotReadError):
            self._idle.append(await self._process())

    async def close(self) -> None:
        """End the processes that wait for work."""
        while self._idle:
            await _end(self._idle.pop())


def _broken() -> NotReadError:
    return NotReadError("The process that read it broke down: it may need too much memory.")


async def _ask(process: Process, order: object) -> Any:  # noqa: ANN401 - as the work returns
    if process.stdin is None or process.stdout is None:
        raise AssertionError(process)
    process.stdin.write(framed(order))
    await process.stdin.drain()
    return await receive(process.stdout)


async def _end(process: Process) -> None:
    """End a process at once and wait until it is gone, also if the caller is cancelled."""
    with anyio.CancelScope(shield=True):
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        if process.stdout is not None:
            await process.stdout.read()  # its end of the pipe is closed only once that is empty
        await process.wait()
