"""Calls that may wait for a disk or a remote, in threads that are not joined at process exit.

Threads of asyncio and anyio are waited for when the process ends: where a remote does not answer,
that takes half a minute after Ctrl-C.
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Calls:
    """Runs calls in threads, a few at once. Used on one event loop.

    Args:
        most: Calls at once; what is asked for beyond that waits.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._turns: anyio.Semaphore | None = None

    async def run(self, function: Callable[[], T]) -> T:
        """Return what a function returns. If this is cancelled, the call still runs to its end."""
        if self._turns is None:
            self._turns = anyio.Semaphore(self._most)
        async with self._turns:
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()
            arguments = (function, future, loop)
            # A daemon, so that the end of the process does not wait for it.
            threading.Thread(
                target=copy_context().run, args=(_call, *arguments), name="radops-ui", daemon=True
            ).start()
            return await future


def _call(
    function: Callable[[], T], future: asyncio.Future[T], loop: asyncio.AbstractEventLoop
) -> None:
    result: T | None = None
    failure: BaseException | None = None
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - raised where the call is waited for
        failure = error

    def tell() -> None:
        if future.cancelled():
            return
        if failure is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(failure)

    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:
        return  # the loop has ended meanwhile
