"""Many calls of one creator at once, over anything that has `submit`.

There is no pool in here: threads, processes or a cluster are the caller's. A call travels as the
creator's name, the lake's whereabouts and the arguments; what comes back is names of files.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import pickle
import queue
import sys
import time
from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from radops.arguments import kind_of
from radops.errors import ArgumentTypeError, CallsFailedError, RadopsError, UsageError
from radops.lake.current import current_session, using
from radops.lake.directory.directory import Directory
from radops.lake.file import File
from radops.lake.progress import stage
from radops.pipeline.over_ray import RayExecutor, is_ray

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from radops.lake.reports import Progress
    from radops.lake.session import Session

R = TypeVar("R")

# Calls at once for an executor whose number of workers is not known. More wait in the caller's
# iterable, not as tasks in memory.
_IN_FLIGHT = 128
_POLL_SECONDS = 0.1
_MOST_NAMED = 3
_LINE_SECONDS = 30.0


class Executor(Protocol):
    """Threads or processes of `concurrent.futures`, a Dask `Client`, and the like.

    Instead of one, `ray` or what `ray.init()` returned can be given.
    """

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Begin a call and return a future with `result()` and `add_done_callback()`."""
        ...


@dataclass(frozen=True)
class Failure:
    """A call that raised: which one, with what, and what it raised. Can always be pickled."""

    index: int
    """Its place in the iterable, from 0."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    error: BaseException

    def __str__(self) -> str:
        given = [repr(one) for one in self.args]
        given += [f"{name}={value!r}" for name, value in self.kwargs.items()]
        return f"({', '.join(given)}): {type(self.error).__name__}: {self.error}"

    def __reduce__(self) -> tuple[Any, ...]:
        error, args, kwargs = self.error, self.args, self.kwargs
        if not _can_travel(error):
            error = RadopsError(f"{type(error).__name__}: {error}")
        if not _can_travel((args, kwargs)):
            args = tuple(map(repr, args))
            kwargs = {name: repr(value) for name, value in kwargs.items()}
        return type(self), (self.index, args, kwargs, error)


def _can_travel(thing: object) -> bool:
    try:
        pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own bytes of an instant ago
    except Exception:  # noqa: BLE001 - whatever foreign classes raise
        return False
    return True


# -- one call ------------------------------------------------------------------------------------


def call(
    creator: Callable[..., R], session: Session, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> R:
    """Call a creator in a lake. This is what executors are given."""
    with using(session):
        return creator(*args, **kwargs)


def submit(
    executor: Executor,
    creator: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:  # noqa: ANN401 - the executor's own kind of future
    """Begin a call in an executor; see `Creator.submit`."""
    if is_ray(executor):
        executor = RayExecutor()
    if isinstance(executor, (File, Directory)) or not callable(getattr(executor, "submit", None)):
        raise ArgumentTypeError(
            f"the executor is {kind_of(executor)}, which has no submit",
            hint="pass an executor first, then the arguments of the call:"
            " submit(ThreadPoolExecutor(), File(...))",
        )
    # Dask treats calls as pure by default, and would return a failure again without a retry.
    is_dask = type(executor).__module__.partition(".")[0] == "distributed"
    options = {"pure": False} if is_dask else {}
    return executor.submit(call, creator, current_session(), args, kwargs, **options)


# -- many ----------------------------------------------------------------------------------------


class _Here:
    """An executor that calls at once, in this thread."""

    def submit(self, work: Callable[..., R], /, *args: Any, **options: Any) -> _Done[R]:  # noqa: ANN401
        try:
            return _Done(work(*args, **options), None)
        except Exception as error:  # noqa: BLE001 - told when the result is asked for
            return _Done(None, error)


@dataclass(frozen=True)
class _Done(Generic[R]):
    value: R | None
    error: Exception | None

    def result(self) -> R | None:
        if self.error is not None:
            raise self.error
        return self.value

    def add_done_callback(self, tell: Callable[[object], object]) -> None:
        tell(self)


def run_all(
    creator: Callable[..., R],
    name: str,
    items: Iterable[Any],
    *,
    executor: Executor | None,
    in_flight: int | None,
    progress: Progress | bool | None,
    common: dict[str, Any],
) -> list[R]:
    """Make many calls; see `Creator.map`."""
    if is_ray(executor):
        executor = RayExecutor()
    most = _room(executor, in_flight)
    pool: Executor = executor if executor is not None else _Here()
    total = len(items) if isinstance(items, Sized) else None
    view = _Line() if progress is True else (progress or None)
    calls = enumerate(items)
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    under_way: dict[int, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {}
    results: dict[int, R | None] = {}
    failures: list[Failure] = []
    try:
        with stage(view, f"calling {name}", None, total) as count:
            while True:
                for index, item in itertools.islice(calls, most - len(under_way)):
                    args, kwargs = _arguments(item, common)
                    future = _begin(pool, creator, args, kwargs)
                    under_way[index] = future, args, kwargs
                    future.add_done_callback(functools.partial(_tell, ended, index))
                if not under_way:
                    break
                index = _next(ended)
                future, args, kwargs = under_way.pop(index)
                try:
                    results[index] = future.result()
                except Exception as error:  # noqa: BLE001 - all of them are listed at the end
                    results[index] = None
                    failures.append(Failure(index, args, kwargs, error))
                count(0, 1)
    except BaseException:
        for future, _, _ in under_way.values():
            getattr(future, "cancel", bool)()
        raise
    found = [results[index] for index in range(len(results))]
    if failures:
        raise _error(name, failures, found)
    return found  # type: ignore[return-value]


def _begin(
    pool: Executor, creator: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:  # noqa: ANN401 - the executor's own kind of future
    try:
        return submit(pool, creator, args, kwargs)
    except Exception as error:  # noqa: BLE001 - a pool that broke: told with the rest
        return _Done(None, error)


def _tell(ended: queue.SimpleQueue[int], index: int, _: object) -> None:
    ended.put(index)


def _next(ended: queue.SimpleQueue[int]) -> int:
    while True:  # wakes up so that Ctrl-C is noticed on every platform
        with contextlib.suppress(queue.Empty):
            return ended.get(timeout=_POLL_SECONDS)


def _room(executor: Executor | None, in_flight: int | None) -> int:
    if in_flight is not None:
        if in_flight < 1:
            raise UsageError(f"in_flight is {in_flight}, not 1 or more")
        return in_flight
    if executor is None:
        return 1
    workers = getattr(executor, "_max_workers", None)  # as `concurrent.futures` reports it
    return 2 * workers if isinstance(workers, int) else _IN_FLIGHT


def _arguments(item: object, common: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if type(item) is tuple:
        return item, common
    if isinstance(item, Mapping):
        return (), {**common, **item}
    return (item,), common


def _error(name: str, failures: list[Failure], results: list[Any]) -> CallsFailedError:
    failures.sort(key=lambda failure: failure.index)
    shown = [f"{name}{failure}" for failure in failures[:_MOST_NAMED]]
    if len(failures) > _MOST_NAMED:
        shown.append(f"and {len(failures) - _MOST_NAMED} more")
    error = CallsFailedError(
        f"{len(failures)} of {len(results)} calls failed: {'; '.join(shown)}",
        hint="the others are done; the same call again computes only what is missing",
    )
    error.failures, error.results = tuple(failures), tuple(results)
    # Where tblib is at work, as under Dask, causes are pickled with what they caused.
    if _can_travel(failures[0].error):
        error.__cause__ = failures[0].error
    return error


class _Line:
    """Progress for a program: one line that is rewritten, or off a terminal one now and then."""

    def start(
        self,
        label: str,
        total_bytes: int | None,  # noqa: ARG002 - as the protocol says
        total_files: int | None,
    ) -> None:
        self._label = label
        self._total = "" if total_files is None else f" of {total_files:,}"
        self._done, self._shown = 0, time.monotonic()

    def advance(self, bytes: int, files: int) -> None:  # noqa: A002, ARG002 - as the protocol says
        self._done += files
        pause = _POLL_SECONDS if sys.stderr.isatty() else _LINE_SECONDS
        if time.monotonic() - self._shown >= pause:
            self._shown = time.monotonic()
            self._write("\r" if sys.stderr.isatty() else "\n")

    def finish(self) -> None:
        self._write("\n")

    def _write(self, end: str) -> None:
        sys.stderr.write(f"{self._label}: {self._done:,}{self._total}{end}")
        sys.stderr.flush()
