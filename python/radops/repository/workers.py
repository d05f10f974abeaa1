"""The only threads of the Python side: many calls to a backend at once.

There is no pool that outlives a call, so a process may fork before and after. The threads are
daemons: Ctrl-C does not wait for a server that has stalled.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import threading
import weakref
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, TypeVar

from radops.backends.forking import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

T = TypeVar("T")
R = TypeVar("R")

# The main thread wakes this often so that Ctrl-C is noticed on every platform.
POLL_SECONDS = 0.1


_jobs: ContextVar[int | None] = ContextVar("radops_jobs", default=None)


@contextlib.contextmanager
def limited(jobs: int | None) -> Iterator[None]:
    """Have at most `jobs` calls or threads at once inside a `with` block; None for no limit."""
    token = _jobs.set(jobs)
    try:
        yield
    finally:
        _jobs.reset(token)


def threads() -> int:
    """Return how many threads a call into Rust may use; 0 for one per core."""
    return _jobs.get() or 0


class _Worker(threading.Thread):
    def __init__(
        self,
        work: Callable[[T], R],
        todo: queue.SimpleQueue[tuple[int, T] | None],
        done: queue.SimpleQueue[tuple[int, R | None, BaseException | None]],
        stop: threading.Event,
    ) -> None:
        super().__init__(name="radops-transfer", daemon=True)
        # Workers see the caller's context variables (the current lake, a creator that runs).
        self._context = copy_context()
        self._work = work
        self._todo = todo
        self._done = done
        self._stop_event = stop

    def run(self) -> None:
        self._context.run(self._loop)

    def _loop(self) -> None:
        while (item := self._todo.get()) is not None:
            if self._stop_event.is_set():
                continue
            index, value = item
            try:
                self._done.put((index, self._work(value), None))
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
                self._done.put((index, None, error))


def each(work: Callable[[T], R], items: Iterable[T], workers: int) -> Iterator[tuple[int, R]]:
    """Call `work` on every item, at most `workers` at once; yield (index, result) as they end.

    The items are taken as there is room, so an endless iterable is fine. The first error stops
    the rest and is raised once the calls under way have ended, so that nothing is cleaned up behind
    a call that still runs; only an interrupt (Ctrl-C) does not wait for them.

    Args:
        work: What to do; must be thread-safe when `workers` is more than 1.
        items: What to do it to.
        workers: Most calls at once; 1 runs them here, without a thread.
    """
    workers = min(workers, _jobs.get() or workers)
    source = enumerate(items)
    if (head := next(source, None)) is None:
        return
    run = _one_by_one if workers <= 1 else _in_threads
    yield from run(work, itertools.chain([head], source), workers)


def _one_by_one(
    work: Callable[[T], R], items: Iterable[tuple[int, T]], _workers: int
) -> Iterator[tuple[int, R]]:
    for index, item in items:
        yield index, work(item)


def _in_threads(
    work: Callable[[T], R], items: Iterator[tuple[int, T]], workers: int
) -> Iterator[tuple[int, R]]:
    todo: queue.SimpleQueue[tuple[int, T] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, R | None, BaseException | None]] = queue.SimpleQueue()
    stop = threading.Event()
    first = _Worker(work, todo, done, stop)
    if not _started(first):
        yield from _one_by_one(work, items, workers)
        return
    threads = [first]
    under_way = 0
    exhausted = False
    try:
        while True:
            while not exhausted and under_way < 2 * workers:
                try:
                    todo.put(next(items))
                except StopIteration:
                    exhausted = True
                    break
                under_way += 1
                if len(threads) < min(workers, under_way):
                    workers = _hire(threads, _Worker(work, todo, done, stop), workers)
            if under_way == 0:
                return
            index, result = _next(done)
            under_way -= 1
            yield index, result
    except Exception:
        _end(stop, todo, threads)
        for thread in threads:
            thread.join()
        raise
    finally:
        _end(stop, todo, threads)


def _hire(threads: list[_Worker], worker: _Worker, most: int) -> int:
    """Start one more thread if the system allows it; return how many there may be."""
    if not _started(worker):
        return len(threads)
    threads.append(worker)
    return most


def _started(thread: threading.Thread) -> bool:
    """Start a thread; False where the system allows no more of them (`ulimit -u`, a cgroup)."""
    try:
        thread.start()
    except RuntimeError:
        return False
    return True


def _next(done: queue.SimpleQueue[tuple[int, R | None, BaseException | None]]) -> tuple[int, R]:
    while True:
        try:
            index, result, error = done.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue
        if error is not None:
            raise error
        return index, result  # type: ignore[return-value]


def _end(
    stop: threading.Event,
    todo: queue.SimpleQueue[tuple[int, T] | None],
    threads: list[_Worker],
) -> None:
    stop.set()
    for _ in threads:
        todo.put(None)


def streams(connections: int) -> int:
    """Return how many large bodies to move at once over so many connections.

    Two for each core keep it busy. More only wait for each other, here for the interpreter and
    there for memory: on two cores 16 take a third more processor time than 4, at both ends.
    """
    return min(connections, max(4, 2 * (os.cpu_count() or 1)))


def gather(work: Callable[[T], R], items: Sequence[T], workers: int) -> list[R]:
    """Call `work` on every item, at most `workers` at once, and return the results in order."""
    if len(items) <= 1:
        return [work(item) for item in items]
    results: dict[int, R] = dict(each(work, items, min(workers, len(items))))
    return [results[index] for index in range(len(items))]


def ahead(
    work: Callable[[T], R],
    items: Sequence[T],
    *,
    stop: Callable[[], None] | None = None,
    discard: Callable[[R], None] = lambda _: None,
) -> Generator[R, None, None]:
    """Call `work` on each item, in order; the next call runs while the caller uses a result.

    Close the iterator when it is not used to its end (`contextlib.closing`).

    Args:
        work: What to do; called in a thread, one call at a time, unless there is one item only.
        items: What to do it to.
        stop: Makes a call that is under way end soon, which is then waited for. None: it is left
            behind, for what leaves nothing behind itself.
        discard: Gets a result that the caller did not take, if it is waited for.
    """
    if len(items) <= 1:
        yield from map(work, items)
        return
    todo: queue.SimpleQueue[tuple[int, T] | None] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[int, R | None, BaseException | None]] = queue.SimpleQueue()
    over = threading.Event()
    worker = _Worker(work, todo, done, over)
    if not _started(worker):
        yield from map(work, items)
        return
    taken = 0
    try:
        todo.put((0, items[0]))
        for number in range(1, len(items) + 1):
            result = _next(done)[1]
            taken = number
            if number < len(items):
                todo.put((number, items[number]))
            yield result
    finally:
        over.set()
        todo.put(None)
        if taken < len(items) and stop is not None:
            stop()
        if taken == len(items) or stop is not None:
            worker.join()
            while not done.empty():
                _, late, error = done.get()
                if error is None:
                    discard(late)  # type: ignore[arg-type]


class Background:
    """A thread that acts every so many seconds during a `with` block.

    An interrupt (Ctrl-C) can come in the first line of an `__exit__`, which then does nothing: so
    the thread also ends when this object is dropped.

    Args:
        name: Of the thread.
        seconds: How long to wait before each call.
        action: A method of the object that holds this one.
    """

    def __init__(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        self._over = threading.Event()
        todo = (self._over, seconds, weakref.WeakMethod(action))
        self._thread = threading.Thread(target=_repeat, args=todo, name=name, daemon=True)
        self._owner = Owner()
        weakref.finalize(self, self._over.set).atexit = False

    def start(self) -> None:
        """Start the thread."""
        _started(self._thread)  # without it nothing is reported in between

    def stop(self, seconds: float | None = None) -> None:
        """End the thread and wait for it, at most so long; nothing in a forked child."""
        self._over.set()
        if self._owner.is_this_process() and self._thread.ident is not None:
            self._thread.join(seconds)


def _repeat(
    over: threading.Event, seconds: float, method: weakref.WeakMethod[Callable[[], None]]
) -> None:
    while not over.wait(seconds) and (action := method()) is not None:
        action()
        del action


class repeating:  # noqa: N801 - used like a function
    """Call `action` every so many seconds, in a thread, as long as a `with` block lasts.

    The thread has ended when the block ends, unless `action` hangs: then it ends with that call.
    A forked child has none.

    Args:
        action: Must be thread-safe. What it raises is ignored: it is called again.
        seconds: How long to wait before each call.
    """

    def __init__(self, action: Callable[[], None], seconds: float) -> None:
        self._action = action
        self._background = Background("radops-heartbeat", seconds, self._try)

    def _try(self) -> None:
        # One call failed; the next one may succeed.
        with contextlib.suppress(Exception):
            self._action()

    def __enter__(self) -> None:
        try:
            self._background.start()
        except BaseException:  # an interrupt after the thread has started
            self._background.stop(POLL_SECONDS)
            raise

    def __exit__(self, *_: object) -> None:
        self._background.stop(POLL_SECONDS)
