"""Threads that fetch. Ctrl-C does not wait for them."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

T = TypeVar("T")


class Threads:
    """Runs calls in threads, which are started as they are needed, within a `with` block.

    At its end calls that have not begun are cancelled, and those under way are waited for, so that
    a process may fork then. Only an interrupt does not wait: a server may have stalled.
    (`ThreadPoolExecutor` waits, and once more when the process ends.)

    Args:
        most: How many threads.
        name: What they are called.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._threads: list[threading.Thread] = []
        self._todo: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._waiting: set[Future[Any]] = set()

    @property
    def is_used(self) -> bool:
        """Whether anything was submitted."""
        return bool(self._threads)

    def submit(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Call something in a thread; return the future of what it returns.

        Raises:
            RuntimeError: The system allows no thread.
        """
        future: Future[T] = Future()

        def run() -> None:
            self._waiting.discard(future)
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work(*arguments)
            except BaseException as error:  # noqa: BLE001 - raised by `Future.result`
                future.set_exception(error)
            else:
                future.set_result(result)

        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                if not self._threads:
                    raise
            else:
                self._threads.append(thread)
        self._waiting.add(future)
        self._todo.put(run)
        return future

    def _loop(self) -> None:
        while (run := self._todo.get()) is not None:
            run()
            del run  # it holds what was fetched

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for future in list(self._waiting):
            future.cancel()
        for _thread in self._threads:
            self._todo.put(None)
        if kind is None or issubclass(kind, (Exception, GeneratorExit)):
            for thread in self._threads:
                thread.join()
